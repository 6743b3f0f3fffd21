// The plaintext of a version: a line with the format, a line of JSON, an empty line, and the env file as it is. Everything
// that a store could lie about stands here, inside the ciphertext. docs/secrets.md describes it byte by byte.
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import type { EnvironmentRef } from '../../contracts/secret-store.ts';

const FORMAT = 'lsh-secrets/1';
/** Bytes of a chain key. */
export const CHAIN_KEY_BYTES = 32;

const HexSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const HeaderSchema = v.object({
  project: v.string(),
  environment: v.string(),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  parents: v.array(HexSchema),
  author: v.string(),
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  recipients: v.array(v.object({ name: v.string(), recipient: v.string() })),
  chainKey: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/)),
  proofs: v.array(HexSchema),
});

/** A person or machine that can open the version. */
export interface NamedRecipient {
  name: string;
  /** `age1…` */
  recipient: string;
}

/** What a version says about itself, and the env file. */
export interface Content extends EnvironmentRef {
  version: number;
  /** Hashes of the versions that it follows. */
  parents: readonly string[];
  /** USER@HOST. */
  author: string;
  /** RFC 3339. */
  createdAt: string;
  /** Who can open it. Inside the ciphertext, so that a store cannot add a recipient to the next version. */
  recipients: readonly NamedRecipient[];
  /** 32 random bytes in base64, new in each version: only who can open this version can prove to follow it. */
  chainKey: string;
  /** For each parent, HMAC-SHA256 under its chain key over this plaintext with an empty list of proofs. */
  proofs: readonly string[];
  /** The env file, unchanged. */
  text: string;
}

export function writeContent({ text, ...content }: Content): string {
  // The order of the fields is part of the format: the proofs cover these bytes.
  const { project, environment, version, parents, author, createdAt, recipients, chainKey, proofs } = content;
  const names = recipients.map(({ name, recipient }) => ({ name, recipient }));
  const header = {
    project,
    environment,
    version,
    parents,
    author,
    createdAt,
    recipients: names,
    chainKey,
    proofs,
  };
  return `${FORMAT}\n${JSON.stringify(header)}\n\n${text}`;
}

/** The content, or why the plaintext is none. */
export function readContent(plaintext: string): Content | { format: string } | { fault: string } {
  const formatEnd = plaintext.indexOf('\n');
  const format = plaintext.slice(0, Math.max(0, formatEnd));
  if (/^lsh-secrets\/\d+$/.test(format) && format !== FORMAT) return { format };
  if (format !== FORMAT) return { fault: 'the plaintext does not begin with its format' };
  const headerEnd = plaintext.indexOf('\n\n', formatEnd);
  if (headerEnd === -1) return { fault: 'the plaintext ends within its header' };
  let header: unknown;
  try {
    header = JSON.parse(plaintext.slice(formatEnd + 1, headerEnd));
  } catch {
    return { fault: 'its header is no JSON' };
  }
  const { success, output } = v.safeParse(HeaderSchema, header);
  if (!success) return { fault: 'its header lacks a field' };
  return { ...output, text: plaintext.slice(headerEnd + 2) };
}

/** The proof that the author of the content could open the parent with this chain key. */
export function proofOf(content: Content, chainKey: string): string {
  const plaintext = writeContent({ ...content, proofs: [] });
  return createHmac('sha256', Buffer.from(chainKey, 'base64')).update(plaintext).digest('hex');
}

/** Whether the content proves to follow the parent, which has the hash and the chain key. */
export function provesToFollow(content: Content, parent: { hash: string; chainKey: string }): boolean {
  const at = content.parents.indexOf(parent.hash);
  const proof = Buffer.from(content.proofs[at] ?? '', 'hex');
  const expected = Buffer.from(proofOf(content, parent.chainKey), 'hex');
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}
