// In an outage, `lsh daemon status`, `lsh doctor` and `lsh supabase status` tell one backlog, one age and one reason. What the
// operator tells, test/processes/operator/history.test.ts compares with the same words.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DaemonStatus } from '../../src/local/socket/protocol.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

type History = NonNullable<DaemonStatus['history']>;
interface Problem {
  message: string;
  hint: string;
}

describe.skipIf(NO_SUPABASE)('the team’s history in an outage', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());

  test('has one backlog, one age and one reason, wherever it is told', async () => {
    const env = { SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey };
    const home = aHome(env);
    onTestFinished(async () => void (await lsh(home, ['daemon', 'stop'])));
    await lshOk(home, ['daemon', 'start']);
    supabase.gateway.answer = { status: 540, body: '{"message":"Project paused"}' };
    const before = Date.now();
    await lshOk(home, ['cron', 'add', '--name', 'a', '--schedule', '@yearly', '--command', 'echo hi']);
    const after = Date.now();
    await lshOk(home, ['cron', 'trigger', 'a', '--wait']);
    await eventually(async () => (await home.client.status({})).history?.trouble !== undefined);

    // The job, who added it, who triggered it, and the run.
    const { history } = JSON.parse(await lshOk(home, ['daemon', 'status', '-o', 'json'])) as {
      history: History;
    };
    expect(history).toMatchObject({ url: supabase.url, backlog: 4 });
    expect(Date.parse(history.oldestAt!)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(history.oldestAt!)).toBeLessThanOrEqual(after);
    const { message, hint } = history.trouble!;
    expect(message).toContain('HTTP 540: Project paused: the project is paused');
    expect(hint).toContain('Restore the project');

    const project = await lsh(home, ['supabase', 'status', '-o', 'json']);
    expect(project.status).toBe(1);
    const told = JSON.parse(project.stdout) as { history: History; problems: Problem[] };
    expect(told.history).toEqual(history);
    expect(told.problems).toEqual([expect.objectContaining({ message, hint })]);

    const { stdout, stderr } = await lsh(home, ['supabase', 'status']);
    const line = /4 changes to be written, the oldest for [\w. ]+: (.*)$/m;
    expect(line.exec(stdout)?.[1]).toBe(message);
    expect(stderr).toContain(`error: ${message}\nhint: ${hint}`);
    expect(line.exec(await lshOk(home, ['daemon', 'status']))?.[1]).toBe(message);
    const doctor = (await lsh(home, ['doctor'])).stdout;
    expect(line.exec(doctor)?.[1]).toBe(message);
    expect(doctor.split(`hint: ${hint}`)).toHaveLength(3);

    supabase.gateway.answer = undefined;
    await eventually(async () => (await home.client.status({})).history!.backlog === 0, { withinMs: 60_000 });
    const well = await lshOk(home, ['supabase', 'status']);
    expect(well).toContain('Backlog: up to date\n');
    expect((await lsh(home, ['doctor'])).stdout).toMatch(
      /^ok +supabase +http:\S+, schema \d+, service_role reads and writes$/m,
    );
  });
});
