// The checks of `lsh doctor`, ordered so that an early failure explains the later ones.
import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { environmentState, loadConfig } from '../../../config.ts';
import { LshError, toLshError } from '../../../core/errors.ts';
import { requireWritable, type LocalPaths } from '../../../local/paths.ts';
import { fromWire } from '../../../local/socket/protocol.ts';
import { VERSION } from '../../../version.ts';
import type { Io } from '../../io.ts';
import { localApi } from '../../local-api.ts';
import { launcherPath } from '../../../processes/launcher.ts';
import { compileCache } from '../../../processes/compile-cache.ts';
import { daemonOwner, pathsFromConfig } from '../../../processes/local-jobs.ts';
import { hostTimeZone } from '../../../local/host-time-zone.ts';
import { clockStepText } from '../../output/clock-step.ts';
import { keptOutputText } from '../../output/kept-output.ts';
import { calendar } from '../../output/when.ts';
import { calendarChecks } from './calendar-checks.ts';
import { channelChecks } from './channel-checks.ts';
import type { Check } from './check.ts';
import { historyCheck, projectChecks } from './record-checks.ts';
import { secretsChecks } from './secrets-checks.ts';

const EARLIEST_SANE_YEAR = 2025;

/** Every check, in order. No check leaves anything changed. */
export async function allChecks(io: Io): Promise<Check[]> {
  const basics = [
    await checked(
      'node',
      () => `Node ${process.versions.node} (${process.execPath}), lsh ${VERSION} (${launcherPath()})`,
    ),
    await checked('clock', () => clock(io.now())),
  ];
  const paths = await checked('paths', () => pathsFromConfig().stateDir);
  const local = paths.result === 'ok' ? await localChecks(io, pathsFromConfig()) : [];
  return [
    ...basics,
    ...environmentChecks(),
    cacheCheck(),
    paths,
    ...local,
    ...(await projectChecks(io.now)),
    ...(await secretsChecks(io)),
  ];
}

/** A check that fails with the sentence and the hint of what `find` throws. */
async function checked(name: string, find: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, result: 'ok', detail: await find() };
  } catch (error) {
    const { message, hint } = toLshError(error);
    return { name, result: 'fail', detail: message, hint };
  }
}

function clock(now: number): string {
  const zone = hostTimeZone(loadConfig().tz);
  if (new Date(now).getUTCFullYear() < EARLIEST_SANE_YEAR) {
    throw new LshError('CLOCK_WRONG', { now: calendar(now) });
  }
  return `${calendar(now)} in ${zone}`;
}

/** One check for each variable with a problem, and one for all other variables. */
function environmentChecks(): Check[] {
  const states = environmentState();
  const problems = states.filter(({ problem }) => problem !== undefined);
  const set = states
    .filter(({ isDefault, problem }) => !isDefault && problem === undefined)
    .map(({ name }) => name);
  const hint = 'docs/configuration.md lists the values of each variable.';
  return [
    ...problems.map(({ name, problem }): Check => ({
      name: 'environment',
      result: 'fail',
      detail: `${name} ${problem}`,
      hint,
    })),
    ...riskChecks(),
    {
      name: 'environment',
      result: 'ok',
      detail: set.length === 0 ? 'all defaults' : `set: ${set.join(', ')}`,
    },
  ];
}

/** Mistyped names and risky settings, without the problems that have a check of their own. */
function riskChecks(): Check[] {
  try {
    return loadConfig()
      .warnings.filter(
        (warning) =>
          !environmentState().some(({ name, problem }) => problem && warning.startsWith(`${name} must`)),
      )
      .map((detail): Check => ({ name: 'environment', result: 'warn', detail }));
  } catch {
    // In production loadConfig() throws for a problem, which has a check of its own.
    return [];
  }
}

/** Without the cache every command compiles lsh anew. */
function cacheCheck(): Check {
  const { path = 'the compile cache', fault } = compileCache();
  if (fault === undefined) return { name: 'cache', result: 'ok', detail: path };
  const hint = `Remove it with \`rm -r ${path}\`: lsh creates it again, for you alone.`;
  return { name: 'cache', result: 'warn', detail: `lsh does not use ${path}: ${fault}`, hint };
}

async function localChecks(io: Io, paths: LocalPaths): Promise<Check[]> {
  return [
    await privateCheck('state', paths.stateDir, 0o700),
    await privateCheck('runtime', paths.runtimeDir, 0o700),
    await privateCheck('database', paths.database, 0o600),
    await privateCheck('log', paths.log, 0o600),
    await privateCheck('socket', paths.socket, 0o600),
    await checked('write', () => writeCheck(paths.stateDir)),
    await storeCheck(paths),
    await daemonCheck(io, paths),
    ...(await statusChecks(io, paths)),
  ];
}

async function modeOf(path: string): Promise<{ mode: number; uid: number } | undefined> {
  try {
    const { mode, uid } = await lstat(path);
    return { mode: mode & 0o777, uid };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'EACCES') throw error;
    const detail = 'this user may not enter its directory';
    throw new LshError('STATE_DIR_UNSAFE', { path, detail }, { cause: error });
  }
}

/** Fails if other users may use the path, or if it belongs to another user than the daemon. */
async function privateCheck(name: string, path: string, privateMode: number): Promise<Check> {
  return checked(name, async () => {
    const found = await modeOf(path);
    if (!found) return `${path} (lsh creates it when needed)`;
    if (found.uid !== daemonOwner(loadConfig())) {
      throw new LshError('STATE_DIR_UNSAFE', { path, detail: `it belongs to user ${found.uid}` });
    }
    const mode = found.mode.toString(8).padStart(4, '0');
    if ((found.mode & 0o077) !== 0) {
      const hint = `Close it with \`chmod ${privateMode.toString(8)} ${path}\`.`;
      throw new LshError(
        'STATE_DIR_UNSAFE',
        { path, detail: `other users may use it (mode ${mode})` },
        { hint },
      );
    }
    return `${path} (mode ${mode})`;
  });
}

/** A disk without room, or a read-only one, stops every schedule. */
function writeCheck(stateDir: string): string {
  if (!existsSync(stateDir)) return 'no state directory yet';
  requireWritable(stateDir);
  return 'a file can be written and deleted';
}

async function storeCheck(paths: LocalPaths): Promise<Check> {
  const { checkStore } = await import('../../../processes/check-store.ts');
  return checked('store', () => checkStore(paths));
}

/**
 * What only a daemon knows: the kept output, the team’s history, the channels, the jobs with their calendars, and the steps of the
 * clock of the last day.
 */
async function statusChecks(io: Io, paths: LocalPaths): Promise<Check[]> {
  try {
    const api = localApi(io, paths);
    const { output, clockSteps, history } = await api.status({});
    const { channels } = await api.notices({});
    const steps = clockSteps.map((step): Check => ({
      name: 'clock',
      result: 'warn',
      detail: clockStepText(step),
      hint: 'docs/schedules.md, "A clock that is set", says what runs after a step.',
    }));
    return [
      { name: 'output', result: 'ok', detail: keptOutputText(output) },
      ...(history === undefined ? [] : [historyCheck(history, io.now())]),
      ...channelChecks(channels),
      ...(await calendarChecks(await api.list({}), io.now())),
      ...steps,
    ];
  } catch {
    return []; // the check of the daemon says why
  }
}

async function daemonCheck(io: Io, paths: LocalPaths): Promise<Check> {
  return checked('daemon', async () => {
    const { pid, version, jobs, activeRuns, health } = await localApi(io, paths).status({});
    const detail = `running (process ${pid}, lsh ${version}), jobs ${jobs.total}, active runs ${activeRuns}`;
    const [problem] = health.problems;
    if (problem !== undefined) throw fromWire(problem);
    if (version === VERSION) return detail;
    const hint = 'Run `lsh daemon restart` to start this version; running jobs continue.';
    throw new LshError(
      'DAEMON_UNREACHABLE',
      { detail: `it is lsh ${version}, this is ${VERSION}` },
      { hint },
    );
  });
}
