// A kubeconfig of which nothing is left out without a word: the library drops some fields of a user, and asks a
// credential plugin once for each call that waits for it.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { parse } from 'yaml';

type UserFields = Readonly<Record<string, unknown>>;

/** Of `as` the library sends the name alone; without these a call would have other rights than it should. */
const NEVER_SENT = ['as-groups', 'as-uid', 'as-user-extra'];

export class StrictKubeConfig extends KubeConfig {
  readonly #neverSent = new Map<string, readonly string[]>();
  #asking: Promise<void> = Promise.resolve();

  override loadFromFile(...[file, options]: Parameters<KubeConfig['loadFromFile']>): void {
    super.loadFromFile(file, options);
    const fields = usersIn(readFileSync(file, 'utf8'));
    for (const [name, user] of fields)
      this.#neverSent.set(
        name,
        NEVER_SENT.filter((field) => isGiven(user[field])),
      );
    // The library looks for it under another name than kubectl's.
    this.users = this.users.map((user) => {
      const tokenFile = fields.get(user.name)?.['tokenFile'];
      if (typeof tokenFile !== 'string' || tokenFile === '') return user;
      const config = { tokenFile: resolve(dirname(file), tokenFile) };
      return { ...user, token: undefined, authProvider: { name: 'tokenFile', config } };
    });
  }

  /** Adds what the other has and this has not, as kubectl does: of two of one name the first counts. */
  adopt(other: StrictKubeConfig): void {
    const added = <T extends { name: string }>(ours: T[], theirs: T[]): T[] => [
      ...ours,
      ...theirs.filter(({ name }) => ours.every((one) => one.name !== name)),
    ];
    this.clusters = added(this.clusters, other.clusters);
    this.users = added(this.users, other.users);
    this.contexts = added(this.contexts, other.contexts);
    for (const [name, fields] of other.#neverSent)
      if (!this.#neverSent.has(name)) this.#neverSent.set(name, fields);
    this.currentContext ||= other.currentContext;
  }

  /** Fields by which the current user impersonates and that would not be sent. */
  get neverSent(): readonly string[] {
    return this.#neverSent.get(this.getCurrentUser()?.name ?? '') ?? [];
  }

  /** One call at a time where a plugin is asked: the others find its answer. It is not asked for a call that was given up. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    if (this.getCurrentUser()?.exec === undefined) return super.applySecurityAuthentication(context);
    const turn = this.#asking.then(async () => {
      if (!context.getSignal()?.aborted) await super.applySecurityAuthentication(context);
    });
    this.#asking = turn.catch(() => undefined);
    return turn;
  }
}

function usersIn(text: string): Map<string, UserFields> {
  const { users } = (parse(text) ?? {}) as { users?: { name: string; user?: UserFields | null }[] | null };
  // kubectl writes null for none.
  return new Map(users?.map(({ name, user }) => [name, user ?? {}]));
}

function isGiven(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
