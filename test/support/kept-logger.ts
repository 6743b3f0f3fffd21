// A logger that keeps its lines.
import type { Logger } from '../../src/control/ports.ts';

export interface KeptLogger extends Logger {
  readonly lines: { level: string; fields: object; message: string }[];
}

export function keptLogger(): KeptLogger {
  const lines: KeptLogger['lines'] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
