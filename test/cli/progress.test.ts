import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withProgress } from '../../src/cli/output/progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function aTerminal(isTTY: boolean) {
  const stderr: PassThrough & { isTTY?: boolean } = new PassThrough();
  stderr.isTTY = isTTY;
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, now: () => Date.now() };
  return { io, written: () => ((stderr.read() as Buffer | null) ?? '').toString() };
}

test('on a terminal, work of more than a second shows a line and erases it at the end', async () => {
  const { io, written } = aTerminal(true);
  const work = Promise.withResolvers<number>();
  const result = withProgress(io, 'backup running', work.promise);
  vi.advanceTimersByTime(999);
  expect(written()).toBe('');
  vi.advanceTimersByTime(1001);
  expect(written()).toBe('\r\u001B[Kbackup running 1s\r\u001B[Kbackup running 2s');
  work.resolve(7);
  expect(await result).toBe(7);
  expect(written()).toBe('\r\u001B[K');
  expect(vi.getTimerCount()).toBe(0);
});

test('erases the line after a failure, too', async () => {
  const { io, written } = aTerminal(true);
  const work = Promise.withResolvers<never>();
  const result = withProgress(io, 'x', work.promise);
  vi.advanceTimersByTime(1000);
  work.reject(new Error('broken'));
  await expect(result).rejects.toThrow('broken');
  expect(written().endsWith('\u001B[K')).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('prints nothing in a pipe', async () => {
  const { io, written } = aTerminal(false);
  await withProgress(io, 'x', Promise.resolve());
  expect(vi.getTimerCount()).toBe(0);
  expect(written()).toBe('');
});
