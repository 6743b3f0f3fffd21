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

/**
 * Protects against a line that logs a whole object by mistake. pino matches paths level by level, so the list holds
 * each key at the top and one and two levels down.
 */
const SECRET_KEYS = [
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
];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** Opens the log. The caller closes it last. */
export function openLog({ level, path, maxBytes = MAX_BYTES }: LogOptions): Log {
  const file = path === undefined ? undefined : new RotatingFile({ path, maxBytes, maxFiles: MAX_FILES });
  const root = createPino(level, file ?? process.stdout);
  return {
    ...bind(root),
    fatal: (fields, message) => root.fatal(fields, message),
    component: (name) => bind(root.child({ component: name })),
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
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    // JSON leaves some control characters as they are, and people read the log on a terminal.
    { write: (line) => destination.write(withEscapes(line)) },
  );
}

function bind(log: Pino): Logger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}
