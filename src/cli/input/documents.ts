// Job documents from files, directories and stdin: YAML or JSON, several in one. Keeps where each field stands,
// so that a problem can be shown with file, line and column. Does not judge what the documents say.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LineCounter, isMap, isNode, isScalar, isSeq, parseAllDocuments, type Document } from 'yaml';
import { LshError, type Problem } from '../../core/errors.ts';
import type { Io } from '../io.ts';

/** One document as it was read. */
export interface SourceDocument {
  /** Undefined where `problems` says that it could not be read. */
  value: unknown;
  /** What is wrong with the syntax; paths are `file:line:column`. */
  problems: Problem[];
  /** `file:line:column` of a field such as `spec.env[0].name`, or of the nearest thing around it. */
  where(path: string): string;
}

type Step = string | number;
type YamlDocument = Document.Parsed;

const EXTENSIONS = /\.(ya?ml|json)$/;

/** Reads a file, each document file of a directory in the order of names, or stdin for `-`. */
export async function readDocuments(io: Io, target: string): Promise<SourceDocument[]> {
  if (target === '-') return parseDocuments(await text(io.stdin as AsyncIterable<Buffer>), '<stdin>');
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

/** Text of a file; throws FILE_UNREADABLE. */
export async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): LshError {
  const { code, message } = error as NodeJS.ErrnoException;
  const detail = code === 'ENOENT' ? 'there is no such file' : message;
  return new LshError('FILE_UNREADABLE', { path, detail }, { cause: error });
}

/** The documents in a text; `source` is what positions begin with. Empty documents are left out. */
export function parseDocuments(content: string, source: string): SourceDocument[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(content, { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? (parsed as YamlDocument[]) : [];
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${source}:${line}:${col}`;
  };
  return documents.flatMap((document) => entriesOf(document, position));
}

/** One document, or each item of a list (`kind: List`, or a bare sequence). */
function entriesOf(document: YamlDocument, position: (offset: number) => string): SourceDocument[] {
  const { value, problems } = valueOf(document, position);
  const entry = (one: unknown, at: Step[]): SourceDocument => ({
    value: one,
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
  const problems = document.errors.map(({ message, pos }) => ({ path: position(pos[0]), message }));
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS() as unknown, problems };
  } catch (error) {
    // Aliases that unfold into more than a document may hold.
    return { value: undefined, problems: [{ path: position(0), message: (error as Error).message }] };
  }
}

/** `spec.env[0].name` as steps. */
function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|([^.[\]]+)/g)].map(([, index, quoted, plain]) =>
    index === undefined ? (quoted ?? plain ?? '') : Number(index),
  );
}

/** Where the last step that exists stands; for a field that is its key. */
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
