// The program's log: pino, one JSON object a line, a child per component. The only importer of pino.
import { pino, type DestinationStream, type Logger as Pino } from 'pino';
import type { Logger } from '../control/ports.ts';
import { RotatingFile } from './rotating-file.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  level: LogLevel;
  /** The file, rotated and readable by this user only; without it the log goes to stdout. */
  path?: string;
  /** When the file is rotated, in bytes; default 5 MiB. */
  maxBytes?: number;
}

/** The whole program's log, from which each component gets its own. */
export interface Log extends Logger {
  /** The last line before the process ends in trouble. */
  fatal(fields: object, message: string): void;
  /** A log whose lines say where they come from. */
  component(name: string): Logger;
  close(): void;
}

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_FILES = 3;

/**
 * Nothing logs these on purpose; whoever logs a whole object by mistake must not publish them. pino matches a
 * path level by level, hence each key at the top and one and two levels down.
 */
const SECRET_KEYS = [
  'env',
  'environment',
  'secrets',
  'secretsKey',
  'inheritedSecrets',
  'supabaseServiceRoleKey',
  'serviceRoleKey',
  'password',
  'token',
  'authorization',
  'secretKey',
];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** Opens the log; close() it last. */
export function openLog({ level, path, maxBytes = MAX_BYTES }: LogOptions): Log {
  const file = path === undefined ? undefined : new RotatingFile({ path, maxBytes, maxFiles: MAX_FILES });
  const root = createPino(level, file ?? process.stdout);
  return {
    ...bind(root),
    fatal: (fields, message) => root.fatal(fields, message),
    component: (name) => bind(root.child({ component: name })),
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
    destination,
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
