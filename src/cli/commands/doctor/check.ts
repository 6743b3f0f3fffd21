// A check of `lsh doctor`.

export interface Check {
  name: string;
  result: 'ok' | 'warn' | 'fail';
  /** What the check found, in one line. */
  detail: string;
  hint?: string;
}
