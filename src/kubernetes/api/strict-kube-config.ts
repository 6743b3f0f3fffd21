// A KubeConfig without the library’s silent gaps: it keeps the fields of a user that the library drops, and runs a
// credential plugin once for all calls that wait for it.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { parse } from 'yaml';

type UserFields = Readonly<Record<string, unknown>>;

/** The library sends `as` alone. Without these fields a call would have other rights than the file grants. */
const UNSENT_FIELDS = ['as-groups', 'as-uid', 'as-user-extra'];

export class StrictKubeConfig extends KubeConfig {
  readonly #unsentFields = new Map<string, readonly string[]>();
  #pluginTurn: Promise<void> = Promise.resolve();

  override loadFromFile(...[file, options]: Parameters<KubeConfig['loadFromFile']>): void {
    super.loadFromFile(file, options);
    const fields = usersIn(readFileSync(file, 'utf8'));
    for (const [name, user] of fields)
      this.#unsentFields.set(
        name,
        UNSENT_FIELDS.filter((field) => isSet(user[field])),
      );
    // The library looks for a token file under another name than kubectl writes.
    this.users = this.users.map((user) => {
      const tokenFile = fields.get(user.name)?.['tokenFile'];
      if (typeof tokenFile !== 'string' || tokenFile === '') return user;
      const config = { tokenFile: resolve(dirname(file), tokenFile) };
      return { ...user, token: undefined, authProvider: { name: 'tokenFile', config } };
    });
  }

  /** Adds the entries of another file. Of two entries with the same name the first counts, as in kubectl. */
  addFrom(other: StrictKubeConfig): void {
    const added = <T extends { name: string }>(ours: T[], theirs: T[]): T[] => [
      ...ours,
      ...theirs.filter(({ name }) => ours.every((entry) => entry.name !== name)),
    ];
    this.clusters = added(this.clusters, other.clusters);
    this.users = added(this.users, other.users);
    this.contexts = added(this.contexts, other.contexts);
    for (const [name, fields] of other.#unsentFields)
      if (!this.#unsentFields.has(name)) this.#unsentFields.set(name, fields);
    this.currentContext ||= other.currentContext;
  }

  /** Impersonation fields of the current user that the library would not send. */
  get unsentFields(): readonly string[] {
    return this.#unsentFields.get(this.getCurrentUser()?.name ?? '') ?? [];
  }

  /** One call at a time runs a credential plugin: later calls find its answer. An aborted call does not run it. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    if (this.getCurrentUser()?.exec === undefined) return super.applySecurityAuthentication(context);
    const turn = this.#pluginTurn.then(async () => {
      if (!context.getSignal()?.aborted) await super.applySecurityAuthentication(context);
    });
    this.#pluginTurn = turn.catch(() => undefined);
    return turn;
  }
}

function usersIn(text: string): Map<string, UserFields> {
  const { users } = (parse(text) ?? {}) as { users?: { name: string; user?: UserFields | null }[] | null };
  // kubectl writes null for an empty list and for an empty user.
  return new Map(users?.map(({ name, user }) => [name, user ?? {}]));
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
