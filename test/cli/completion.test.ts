import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { BUNDLE } from '../support/daemon/bundle.ts';
import type { RunDocument } from '../../src/core/document.ts';
import { aSharedDaemon, bash, lsh, lshOk } from '../support/daemon/cli.ts';
import type { TestHome } from '../support/daemon/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const home = aSharedDaemon();

/** The environment of the home with `lsh` in its PATH, as after an installation. */
function installed(): Pick<TestHome, 'env'> {
  const directory = tempDir();
  const program = join(directory, 'lsh');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${BUNDLE}' "$@"\n`);
  chmodSync(program, 0o755);
  return { env: { ...home.env, PATH: `${directory}:${home.env['PATH']}` } };
}

/** The completions that bash offers for the last word. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `eval "$(lsh completion bash)"
complete -p lsh >/dev/null || exit 1
COMP_WORDS=(lsh "$@") COMP_CWORD=$#
_lsh
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = await bash(installed(), script, words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('in a real bash', () => {
  test('completes verbs, options, values and names of jobs', async () => {
    await lshOk(home, [
      'cron',
      'add',
      '-n',
      'backup',
      '-s',
      '0 0 1 1 *',
      '-d',
      'with two  words',
      '-c',
      'true',
    ]);
    await lshOk(home, ['cron', 'add', '-n', 'ping', '-s', '0 0 1 1 *', '-c', 'true']);
    expect(await offered('cron', 'tr')).toEqual(['trigger']);
    expect(await offered('cron', 'trigger', '--w')).toEqual(['--wait']);
    expect(await offered('cron', 'add', '--tz', 'UTC', '--at')).toEqual(['--at-daemon-start', '--at']);
    expect(await offered('cron', 'report', '-o', '')).toEqual(['table', 'json', 'yaml', 'csv']);
    expect(await offered('cron', 'trigger', '')).toEqual(['backup', 'ping']);
    expect(await offered('cron', 'trigger', 'b')).toEqual(['backup']);
    expect(await offered('apply', '-f', '')).toEqual([]);
  });

  test('completes names of runs of the job, the newest first', async () => {
    for (const name of ['fails', 'idle'])
      await lshOk(home, ['cron', 'add', '-n', name, '-s', '0 0 1 1 *', '-c', 'exit 3']);
    for (const id of ['one', 'two']) await lsh(home, ['cron', 'trigger', 'fails', '--wait', '--id', id]);
    const history = await lshOk(home, ['cron', 'history', 'fails', '-o', 'json']);
    const names = (JSON.parse(history) as RunDocument[]).map(({ name }) => name);
    expect(names).toHaveLength(2);
    expect(await offered('cron', 'logs', 'fails', '')).toEqual(names);
    expect(await offered('cron', 'logs', '--lines', '5', 'fails', '')).toEqual(names);
    expect(await offered('cron', 'stop', 'fails', names[1]!.slice(0, -1))).toContain(names[1]);
    expect(await offered('cron', 'logs', 'idle', '')).toEqual([]);
    expect(await offered('cron', 'logs', 'nobody', '')).toEqual([]);
    expect(await offered('cron', 'logs', 'fails', names[0]!, '')).toEqual([]);
    const described = await lshOk(home, ['__complete', 'cron', 'logs', 'fails', names[0]!]);
    expect(described).toBe(`${names[0]}\tFailed\n`);
  });
});

const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

test.runIf(has('zsh'))('zsh loads the script', async () => {
  const script = await lshOk(home, ['completion', 'zsh']);
  const { status, stderr } = spawnSync('zsh', ['-fc', `autoload -U compinit; compinit -D; ${script}`], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.runIf(has('fish'))('fish loads the script and offers verbs', async () => {
  const script = await lshOk(home, ['completion', 'fish']);
  const { stdout } = spawnSync('fish', ['-c', `${script}\ncomplete -C 'lsh cron tr'`], {
    encoding: 'utf8',
    env: installed().env,
  });
  expect(stdout).toMatch(/^trigger\t/);
});
