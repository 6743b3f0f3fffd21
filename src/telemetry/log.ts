// The program's log: pino, one JSON object per line, a child logger per component. The only importer of pino.
import { pino, type DestinationStream, type Logger as Pino } from 'pino';
import type { Logger } from '../control/ports.ts';
import { withEscapes } from '../core/printable.ts';
import { RotatingFile } from './rotating-file.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  level: LogLevel;
  /** The file, rotated and readable by this user only. Default: stdout. */
  path?: string;
  /** Size at which the file rotates, in bytes; default 5 MiB. */
  maxBytes?: number;
}

/** The root log; each component derives its own from it. */
export interface Log extends Logger {
  /** The last line of a process that ends with an error. */
  fatal(fields: object, message: string): void;
  /** A log whose lines name the component. */
  component(name: string): Logger;
  /** Opens the file at its path again, after another program has moved it. Throws the error of the file system. */
  reopen(): void;
  close(): void;
}

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_FILES = 3;

/** Protects against a line that logs a whole object by mistake. */
const SECRET_KEYS = new Set([
  'env',
  'environment',
  'secrets',
  'secretsKey',
  'inheritedSecrets',
  'supabaseServiceRoleKey',
  'apiKey',
  'accessToken',
  'refreshToken',
  'password',
  'token',
  'authorization',
  'secretKey',
]);
const SECRET_KEY = new RegExp(`"(?:${[...SECRET_KEYS].join('|')})":`);

/** Opens the log. The caller closes it last. */
export function openLog({ level, path, maxBytes = MAX_BYTES }: LogOptions): Log {
  const file = path === undefined ? undefined : new RotatingFile({ path, maxBytes, maxFiles: MAX_FILES });
  const root = createPino(level, file ?? process.stdout);
  return {
    ...bind(() => root),
    fatal: (fields, message) => root.fatal(fields, message),
    component: (name) => {
      // Created with its first line: it takes time at the start, and many a component never logs.
      let child: Pino | undefined;
      return bind(() => (child ??= root.child({ component: name })));
    },
    reopen: () => file?.reopen(),
    close: () => file?.close(),
  };
}

function createPino(level: LogLevel, destination: DestinationStream): Pino {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // JSON leaves some control characters as they are, and people read the log on a terminal.
    { write: (line) => destination.write(withEscapes(redacted(line))) },
  );
}

/**
 * The line without the values of secret keys, at any depth. pino's own option finds a key at listed depths only, and
 * parses its list again for each line, which costs more than the rest of the line.
 */
function redacted(line: string): string {
  if (!SECRET_KEY.test(line)) return line;
  const hide = (key: string, value: unknown) => (SECRET_KEYS.has(key) ? '[redacted]' : value);
  return `${JSON.stringify(JSON.parse(line, hide))}\n`;
}

function bind(log: () => Pino): Logger {
  return {
    debug: (fields, message) => log().debug(fields, message),
    info: (fields, message) => log().info(fields, message),
    warn: (fields, message) => log().warn(fields, message),
    error: (fields, message) => log().error(fields, message),
  };
}
