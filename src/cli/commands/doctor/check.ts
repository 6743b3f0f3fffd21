// What one check of `lsh doctor` answers.
import { toLshError } from '../../../core/errors.ts';

export interface Check {
  name: string;
  result: 'ok' | 'warn' | 'fail';
  /** What was found, in one line. */
  detail: string;
  hint?: string;
}

/** A check whose failure is an error that says what is wrong and what to do. */
export async function checked(name: string, find: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, result: 'ok', detail: await find() };
  } catch (error) {
    const { message, hint } = toLshError(error);
    return { name, result: 'fail', detail: message, hint };
  }
}
