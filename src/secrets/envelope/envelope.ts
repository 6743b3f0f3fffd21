// Seals a version for its recipients, and opens it with the keys of this machine: an armored age file, which the program
// age opens as well.
import { createHash, randomBytes } from 'node:crypto';
import type { EnvironmentRef, StoredVersion } from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { decryptFile, encryptFile } from './age-file.ts';
import { CHAIN_KEY_BYTES, proofOf, readContent, writeContent, type Content } from './content.ts';

/** A version whose ciphertext, place and content agree. Says nothing yet about the versions before it. */
export interface OpenedVersion extends Content {
  hash: string;
}

/** What the author of a new version decides. */
export type NewContent = Omit<Content, 'chainKey' | 'proofs' | 'parents' | 'version' | 'createdAt'> & {
  /** Milliseconds since the epoch. */
  createdAt: number;
};

/** SHA-256 of the envelope in hexadecimal digits. */
export function hashOf(envelope: string): string {
  return createHash('sha256').update(envelope).digest('hex');
}

/** Seals the next version after the parents. Throws RECIPIENT_INVALID. */
export async function seal(
  next: NewContent,
  parents: readonly OpenedVersion[],
  origin: string,
): Promise<{ stored: StoredVersion; opened: OpenedVersion }> {
  const createdAt = new Date(next.createdAt).toISOString();
  const unproven: Content = {
    ...next,
    version: Math.max(0, ...parents.map(({ version }) => version)) + 1,
    parents: parents.map(({ hash }) => hash),
    createdAt,
    chainKey: randomBytes(CHAIN_KEY_BYTES).toString('base64'),
    proofs: [],
  };
  const content = { ...unproven, proofs: parents.map(({ chainKey }) => proofOf(unproven, chainKey)) };
  const recipients = next.recipients.map(({ recipient }) => recipient);
  const envelope = await encryptFile(writeContent(content), recipients);
  const hash = hashOf(envelope);
  const { version, author } = content;
  return {
    stored: { version, hash, parents: content.parents, author, createdAt: next.createdAt, origin, envelope },
    opened: { ...content, hash },
  };
}

/**
 * Opens what the store holds as this version of the environment. Throws SECRETS_KEY_MISMATCH, SECRETS_FORMAT_UNKNOWN, or
 * SECRETS_TAMPERED where envelope and content do not agree with the place in the store.
 */
export async function open(
  ref: EnvironmentRef,
  stored: StoredVersion,
  identities: readonly string[],
): Promise<OpenedVersion> {
  const { version } = stored;
  const tampered = (detail: string) =>
    new LshError('SECRETS_TAMPERED', { version, environment: ref.environment, detail });
  if (hashOf(stored.envelope) !== stored.hash) throw tampered('its bytes have changed since it was stored');
  const content = readContent(await decrypt(ref, stored, identities));
  if ('format' in content)
    throw new LshError('SECRETS_FORMAT_UNKNOWN', {
      version,
      environment: ref.environment,
      format: content.format,
    });
  if ('fault' in content) throw tampered(content.fault);
  if (content.project !== ref.project) throw tampered(`it belongs to project ${content.project}`);
  if (content.environment !== ref.environment)
    throw tampered(`it belongs to environment ${content.environment}`);
  if (content.version !== version) throw tampered(`it is version ${content.version}`);
  if (content.parents.join() !== stored.parents.join())
    throw tampered('it follows other versions than the store says');
  return { ...content, hash: stored.hash };
}

async function decrypt(
  { environment }: EnvironmentRef,
  { version, envelope }: StoredVersion,
  identities: readonly string[],
): Promise<string> {
  try {
    const plaintext = await decryptFile(envelope, identities);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch (error) {
    if (error instanceof LshError) throw error;
    const { message } = error as Error;
    if (/no identity matched/.test(message))
      throw new LshError('SECRETS_KEY_MISMATCH', { version, environment }, { cause: error });
    throw new LshError(
      'SECRETS_TAMPERED',
      { version, environment, detail: `it does not open: ${message}` },
      { cause: error },
    );
  }
}
