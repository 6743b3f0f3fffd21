// Converts the lines of an anacrontab: period in days, delay in minutes, name, command.
import { toName } from '../../dns-label.ts';

export interface AnacronJob {
  expression: string;
  command: string;
  /** Identifies the line across imports. */
  identity: string;
  name: string;
  notes: string[];
}

const LINE = /^(\d+|@\w+)\s+(\d+)\s+(\S+)\s+(\S.*)$/;
const DAY_MINUTES = 1440;

/** Converts a line; undefined where it has fewer than four fields. `startHour` is the first hour of START_HOURS_RANGE. */
export function splitAnacronLine(line: string, startHour: number): AnacronJob | undefined {
  const [, period, delay, id, command] = LINE.exec(line) ?? [];
  if (period === undefined || id === undefined || command === undefined) return undefined;
  const minutes = (60 * startHour + Number(delay)) % DAY_MINUTES;
  const time = `${minutes % 60} ${Math.floor(minutes / 60)}`;
  const expression = expressionOf(period, time);
  const notes = expression.startsWith('@every')
    ? [`The period of ${period} days counts from the import, at no fixed time of day.`]
    : [];
  return { expression, command, identity: `${id} ${command}`, name: toName(id) || 'job', notes };
}

function expressionOf(period: string, time: string): string {
  switch (period) {
    case '1':
    case '@daily':
      return `${time} * * *`;
    case '7':
    case '@weekly':
      return `${time} * * 0`;
    case '@monthly':
      return `${time} 1 * *`;
    case '@yearly':
    case '@annually':
      return `${time} 1 1 *`;
    default:
      // An unknown macro stays as it is, and the expression check refuses it.
      return period.startsWith('@') ? period : `@every ${24 * Number(period)}h`;
  }
}
