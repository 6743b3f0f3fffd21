// The store of secrets in a Supabase project, for a team. It holds ciphertext; a function of the database compares and appends
// in one transaction, so of several writers one wins.
import {
  AUDIT_ACTIONS,
  type AuditEntry,
  type EnvironmentRef,
  type SecretStore,
  type StoredVersion,
  type VersionEntry,
} from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import {
  ProjectClient,
  type ProjectClientOptions,
  type ProjectRequest,
  type SecretAuditRow,
  type SecretVersionRow,
} from './project-client.ts';

/** Columns of a version without its envelope. */
const ENTRY = 'version,hash,parents,author,created_at,origin';

export interface SupabaseSecretsOptions extends ProjectClientOptions {
  team: string;
  /** Version of lsh, for the row of this machine. */
  lsh: string;
}

export class SupabaseSecrets implements SecretStore {
  readonly place: string;
  readonly #client: ProjectClient;
  readonly #team: string;
  readonly #lsh: string;

  constructor({ team, lsh, ...project }: SupabaseSecretsOptions) {
    this.place = `${project.url} (team ${team})`;
    this.#client = new ProjectClient(project);
    this.#team = team;
    this.#lsh = lsh;
  }

  async heads(ref: EnvironmentRef): Promise<StoredVersion[]> {
    const rows = await this.#ask((client, signal) =>
      client.rpc('lsh_secret_heads', this.#place(ref)).abortSignal(signal).throwOnError(),
    );
    return rows.map(storedOf);
  }

  async version(ref: EnvironmentRef, which: number | string): Promise<StoredVersion | undefined> {
    const rows = await this.#ask((client, signal) =>
      client
        .from('lsh_secret_versions')
        .select('*')
        .match(this.#row(ref))
        .eq(typeof which === 'number' ? 'version' : 'hash', which)
        .order('hash')
        .limit(1)
        .abortSignal(signal)
        .throwOnError(),
    );
    return rows[0] && storedOf(rows[0]);
  }

  async history(ref: EnvironmentRef): Promise<VersionEntry[]> {
    const rows = await this.#ask((client, signal) =>
      client
        .from('lsh_secret_versions')
        .select(ENTRY)
        .match(this.#row(ref))
        .order('version', { ascending: false })
        .order('hash')
        .abortSignal(signal)
        .throwOnError(),
    );
    return rows.map(entryOf);
  }

  async environments(project: string): Promise<string[]> {
    const rows = await this.#ask((client, signal) =>
      client
        .from('lsh_secrets')
        .select('environment')
        .match({ team: this.#team, project })
        .order('environment')
        .abortSignal(signal)
        .throwOnError(),
    );
    return rows.map(({ environment }) => environment);
  }

  async append(
    ref: EnvironmentRef,
    version: StoredVersion,
    entry: AuditEntry,
  ): Promise<'appended' | 'moved'> {
    const { createdAt, ...fields } = version;
    const created_at = rfc3339(createdAt);
    return this.#ask((client, signal) =>
      client
        .rpc('lsh_append_secret', {
          ...this.#place(ref),
          new: { ...fields, parents: [...fields.parents], created_at },
          entry: this.#entry(entry),
        })
        .abortSignal(signal)
        .throwOnError(),
    );
  }

  async record(ref: EnvironmentRef, entry: AuditEntry): Promise<void> {
    await this.#ask((client, signal) =>
      client
        .rpc('lsh_audit_secret', { ...this.#place(ref), entry: this.#entry(entry) })
        .abortSignal(signal)
        .throwOnError(),
    );
  }

  async audit({ project, environment }: EnvironmentRef, limit: number): Promise<AuditEntry[]> {
    const rows = await this.#ask((client, signal) =>
      client
        .from('lsh_audit')
        .select('at,action,actor,origin,details')
        .eq('team', this.#team)
        .like('action', 'Secrets%')
        .eq('details->>project', project)
        .eq('details->>environment', environment)
        .order('at', { ascending: false })
        .order('id', { ascending: false })
        .limit(limit)
        .abortSignal(signal)
        .throwOnError(),
    );
    return (rows as SecretAuditRow[]).flatMap(auditOf);
  }

  /** Throws SECRETS_STORE_UNAVAILABLE (retryable) or SECRETS_STORE_REFUSED: a history has other hints. */
  async #ask<T>(request: ProjectRequest<T>): Promise<T> {
    try {
      return await this.#client.call(request);
    } catch (error) {
      if (!(error instanceof LshError)) throw error;
      const { code, fields } = error;
      if (code === 'HISTORY_UNAVAILABLE') throw new LshError('SECRETS_STORE_UNAVAILABLE', fields);
      if (code === 'HISTORY_REFUSED')
        throw new LshError('SECRETS_STORE_REFUSED', fields, { hint: error.hint });
      throw error;
    }
  }

  #place({ project, environment }: EnvironmentRef) {
    return { of_team: this.#team, of_project: project, of_environment: environment };
  }

  #row({ project, environment }: EnvironmentRef) {
    return { team: this.#team, project, environment };
  }

  #entry({ at, ...entry }: AuditEntry): object {
    return { ...entry, at: rfc3339(at), lsh: this.#lsh };
  }
}

function entryOf(row: Omit<SecretVersionRow, 'envelope'>): VersionEntry {
  const { version, hash, parents, author, created_at, origin } = row;
  return { version, hash, parents, author, createdAt: Date.parse(created_at), origin };
}

function storedOf(row: SecretVersionRow): StoredVersion {
  return { ...entryOf(row), envelope: row.envelope };
}

const ORIGIN = 'secrets@';

function auditOf({ at, action, actor, origin, details }: SecretAuditRow): AuditEntry[] {
  const known = AUDIT_ACTIONS.find((name) => name === action.slice('Secrets'.length).toLowerCase());
  // A newer lsh has further actions.
  if (known === undefined) return [];
  return [
    {
      action: known,
      at: Date.parse(at),
      actor: actor ?? '',
      origin: origin.startsWith(ORIGIN) ? origin.slice(ORIGIN.length) : origin,
      version: details?.version,
      hash: details?.hash,
      detail: details?.detail,
    },
  ];
}
