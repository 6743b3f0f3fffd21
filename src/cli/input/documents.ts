// Reads job documents from files, directories and stdin: YAML or JSON, several in one file. Keeps the position of
// each field, so that a problem can name file, line and column. Does not validate jobs.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  LineCounter,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseAllDocuments,
  visit,
  type Document,
  type YAMLMap,
} from 'yaml';
import { LshError, type Problem } from '../../core/errors.ts';
import type { Io } from '../io.ts';

/** A parsed document with its positions. */
export interface SourceDocument {
  /** Undefined if `problems` is not empty. */
  value: unknown;
  /** Syntax errors; each path is `file:line:column`. */
  problems: Problem[];
  /** `file:line:column` of a field such as `spec.env[0].name`, or of its nearest ancestor in the document. */
  where(path: string): string;
}

type Step = string | number;
type YamlDocument = Document.Parsed;

/** Largest text that is read: YAML takes some 200 bytes of memory for each of its bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Most aliases of a document: each is looked up in all of it. */
const ALIASES_MAX = 100;
/** Most problems of a document. */
const PROBLEMS_MAX = 50;
const EXTENSIONS = /\.(ya?ml|json)$/;

/** Reads a file, the document files of a directory in the order of their names, or stdin for `-`. */
export async function readDocuments(io: Io, target: string): Promise<SourceDocument[]> {
  if (target === '-') {
    return parseDocuments(decoded(await bytesOfStdin(io), '<stdin>'), '<stdin>');
  }
  const documents: SourceDocument[] = [];
  for (const file of await filesOf(target)) documents.push(...parseDocuments(await contentOf(file), file));
  return documents;
}

async function filesOf(target: string): Promise<string[]> {
  try {
    if (!(await stat(target)).isDirectory()) return [target];
    const names = await readdir(target);
    return names
      .filter((name) => EXTENSIONS.test(name))
      .sort()
      .map((name) => join(target, name));
  } catch (error) {
    throw unreadable(target, error);
  }
}

/** Text of a file. Throws FILE_UNREADABLE, also for a file that is not UTF-8. */
export async function contentOf(file: string): Promise<string> {
  return decoded(await bytesOf(file), file);
}

/** Bytes of a file. Throws FILE_UNREADABLE, also for a file that is too large. */
export async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    if ((await stat(file)).size > MAX_BYTES) throw tooLarge(file);
    return await readFile(file);
  } catch (error) {
    throw error instanceof LshError ? error : unreadable(file, error);
  }
}

/** All bytes of stdin. Throws FILE_UNREADABLE if they are too many. */
export async function bytesOfStdin({ stdin }: Pick<Io, 'stdin'>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const part of stdin as AsyncIterable<Buffer | string>) {
    const chunk = Buffer.from(part);
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw tooLarge('<stdin>');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function tooLarge(path: string): LshError {
  return new LshError('FILE_UNREADABLE', { path, detail: `it has more than ${MAX_BYTES / 1024 / 1024} MiB` });
}

/** A replaced byte would name another file in a command, so the whole text is refused. */
function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new LshError(
      'FILE_UNREADABLE',
      { path, detail: 'it has bytes that are not UTF-8' },
      { cause: error },
    );
  }
}

function unreadable(path: string, error: unknown): LshError {
  const { code, message } = error as NodeJS.ErrnoException;
  const detail = code === 'ENOENT' ? 'no such file' : message;
  return new LshError('FILE_UNREADABLE', { path, detail }, { cause: error });
}

/** The documents of a text, without empty ones. Each position begins with `source`. */
export function parseDocuments(content: string, source: string): SourceDocument[] {
  const lines = new LineCounter();
  // The parser compares each key with all others; duplicateKeys() needs one look.
  const parsed = parseAllDocuments(content, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const documents = Array.isArray(parsed) ? (parsed as YamlDocument[]) : [];
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${source}:${line}:${col}`;
  };
  return documents.flatMap((document) => entriesOf(document, position));
}

/** The document, or each item of a list (`kind: List` or a sequence). */
function entriesOf(document: YamlDocument, position: (offset: number) => string): SourceDocument[] {
  const { value, problems } = valueOf(document, position);
  const entry = (content: unknown, at: Step[]): SourceDocument => ({
    value: content,
    problems,
    where: (path) => position(offsetOf(document, [...at, ...stepsOf(path)])),
  });
  if (problems.length > 0) return [entry(undefined, [])];
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, index) => entry(item, [index]));
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  if (kind === 'List' && Array.isArray(items))
    return items.map((item, index) => entry(item, ['items', index]));
  return [entry(value, [])];
}

function valueOf(document: YamlDocument, position: (offset: number) => string) {
  const faults = document.errors.map(({ message, pos }): Fault => ({ offset: pos[0], message }));
  if (faults.length === 0) faults.push(...structuralFaults(document));
  const problems = faults
    .slice(0, PROBLEMS_MAX)
    .map(({ offset, message }) => ({ path: position(offset), message }));
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS() as unknown, problems };
  } catch (error) {
    // The parser refuses aliases that expand beyond its limit.
    return { value: undefined, problems: [{ path: position(0), message: (error as Error).message }] };
  }
}

interface Fault {
  offset: number;
  message: string;
}

/** Keys that a mapping has twice, and the alias that is one too many. */
function structuralFaults(document: YamlDocument): Fault[] {
  const faults: Fault[] = [];
  let aliases = 0;
  visit(document, {
    Map: (_, map) => void faults.push(...duplicateKeys(map)),
    Alias: (_, { range }) => {
      if (++aliases <= ALIASES_MAX) return undefined;
      faults.push({ offset: range?.[0] ?? 0, message: `A document may have at most ${ALIASES_MAX} aliases` });
      return visit.BREAK;
    },
  });
  return faults;
}

function duplicateKeys({ items }: YAMLMap): Fault[] {
  const seen = new Set<unknown>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const isNew = !seen.has(key.value);
    seen.add(key.value);
    return isNew ? [] : [{ offset: key.range?.[0] ?? 0, message: 'Map keys must be unique' }];
  });
}

/** Splits `spec.env[0].name` into steps. */
function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|([^.[\]]+)/g)].map(([, index, quoted, plain]) =>
    index === undefined ? (quoted ?? plain ?? '') : Number(index),
  );
}

/** Offset of the last step that exists; of a field, the offset of its key. */
function offsetOf(document: YamlDocument, steps: Step[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of steps) {
    const found = childOf(node, step);
    if (!found) break;
    node = found.value;
    offset = found.offset ?? offset;
  }
  return offset;
}

function childOf(node: unknown, step: Step): { value: unknown; offset: number | undefined } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? { value: item, offset: item.range?.[0] } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return pair && isNode(pair.key) ? { value: pair.value, offset: pair.key.range?.[0] } : undefined;
}
