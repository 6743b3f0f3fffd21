import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aSharedDaemon, lsh, lshOk } from '../support/daemon/cli.ts';
import { aManifest } from '../support/daemon/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('lsh daemon metrics', () => {
  const home = aSharedDaemon();

  test('prints the metrics of each job, and cuts and tells on request', async () => {
    for (const name of ['ma', 'mb']) await home.client.put({ job: aManifest(name) });
    const { name } = await home.client.trigger({ name: 'ma', id: 'first' });
    await home.client.run({ run: name, wait: true });
    const text = await lshOk(home, ['daemon', 'metrics']);
    const of = 'job="ma",namespace="local"';
    expect(text).toMatch(
      new RegExp(`^lsh_job_last_end_timestamp_seconds\\{${of},phase="Completed"\\} \\d`, 'm'),
    );
    expect(text).toMatch(new RegExp(`^lsh_job_last_success_timestamp_seconds\\{${of}\\} \\d`, 'm'));
    expect(text).toMatch(new RegExp(`^lsh_job_active_runs\\{${of}\\} 0$`, 'm'));
    expect(text).toMatch(/^lsh_job_next_slot_timestamp_seconds\{job="mb",namespace="local"\} \d/m);

    const cut = await lsh(home, ['daemon', 'metrics', '--metrics-per-job', '1']);
    expect(cut.stdout).not.toContain('job="mb"');
    expect(cut.stderr).toContain('1 job of 2 have no metrics of their own');
    expect(readFileSync(home.paths.log, 'utf8')).toContain('have no metrics of their own');
    expect((await lsh(home, ['daemon', 'metrics', '--metrics-per-job', 'all'])).status).toBe(2);
  });

  test('keeps a file whole that other users may read, and leaves it as it was when it cannot', async () => {
    const dir = tempDir();
    const path = join(dir, 'lsh.prom');
    writeFileSync(path, 'old');
    expect(await lshOk(home, ['daemon', 'metrics', '--textfile', path])).toBe('');
    expect(readFileSync(path, 'utf8')).toMatch(/^# HELP lsh_jobs [^]*\nlsh_jobs \d+\n[^]*\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(dir)).toEqual(['lsh.prom']);

    const missing = await lsh(home, ['daemon', 'metrics', '--textfile', join(dir, 'no', 'lsh.prom')]);
    expect({ status: missing.status, stdout: missing.stdout }).toEqual({ status: 1, stdout: '' });
    expect(missing.stderr).toContain('[FILE_UNWRITABLE]');
    expect(existsSync(join(dir, 'no'))).toBe(false);
  });
});
