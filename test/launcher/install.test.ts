// lsh installed as its users do it, on a machine whose own Node is too old for it: README's first block in a copy of
// the sources, and the package. npm takes packages from its cache where it can.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { BUNDLE } from '../support/daemon/bundle.ts';

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
/** How npm reaches packages on this machine. */
const NPM_SETTINGS = /^(npm_config_(cache|userconfig|globalconfig|registry)|NODE_EXTRA_CA_CERTS)$/;

/** Installs all development dependencies, which takes half a minute on an idle machine. */
const BLOCK_TIMEOUT_MS = 600_000;
const UNREACHABLE = /npm error code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT)/;

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const [, block = '', answer = ''] = /^```sh\n([^]*?)^```\n\n```\n([^]*?)^```$/m.exec(
  readFileSync('README.md', 'utf8'),
)!;

const root = mkdtempSync(join(tmpdir(), 'lsh-test-'));
const [checkout, prefix, other, project] = ['checkout', 'prefix', 'other', 'project'].map((name) =>
  join(root, name),
);
const env: Record<string, string> = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NPM_SETTINGS.test(name))),
  PATH: `${prefix}/bin:${SYSTEM_PATH}`,
  HOME: root,
  TMPDIR: root,
  TZ: 'Europe/Berlin',
  npm_config_prefix: prefix!,
  npm_config_prefer_offline: 'true',
};

/** Runs a script under the system's Node. */
function run(script: string, cwd: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('sh', ['-e', '-c', script], { cwd, env, encoding: 'utf8' });
}

function ok(script: string, cwd: string): string {
  const { status, stdout, stderr } = run(script, cwd);
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Why nothing can be tried here; undefined where all is there. */
let missing: string | undefined;
let output = '';

beforeAll(() => {
  missing = lacks();
  if (missing !== undefined) return;
  const sources = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { encoding: 'utf8' });
  for (const file of sources.split('\0'))
    if (file !== '' && existsSync(file)) cpSync(file, join(checkout!, file));
  const { status, stdout, stderr } = run(block, checkout!);
  if (UNREACHABLE.test(stderr)) missing = 'npm reaches no registry';
  else if (status !== 0) throw new Error(`README’s first block ended with ${status}: ${stdout}${stderr}`);
  output = stdout;
}, BLOCK_TIMEOUT_MS);

afterAll(() => {
  if (existsSync(`${prefix}/bin/lsh`)) ok('lsh daemon stop', root);
  rmSync(root, { recursive: true });
});

function lacks(): string | undefined {
  const { status } = spawnSync('node', ['--version'], { env, encoding: 'utf8' });
  if (status !== 0 || spawnSync('npm', ['--version'], { env }).status !== 0)
    return 'the system has no Node with npm';
  const { stdout } = spawnSync('node', [BUNDLE, '--version'], { env, encoding: 'utf8' });
  return stdout === '' ? undefined : 'the system’s own Node is new enough';
}

function requireOldNode({ skip }: TestContext): void {
  if (missing !== undefined) skip(missing);
}

/** What differs from run to run, by its kind. */
function masked(text: string): string {
  return text
    .replace(/process \d+/, 'process N')
    .replace(/\brotate-secrets-m\w+/g, 'RUN')
    .replace(/\/\S*\/lsh\/(keys|secrets\/\S+)/g, 'PATH')
    .replace(/^\S+ prod:/gm, 'PROJECT prod:')
    .replace(/\w{3} \d{4}-\d\d-\d\d \d\d:\d\d +in .*/g, 'SLOT')
    .replace(/\b[\d.]+m?s\b/g, 'DURATION')
    .replace(/\bnow\b|\d+ \w+ ago/g, 'AGO')
    .replace(/ {2,}/g, '  ');
}

test('README’s first block gives the answer below it', (context) => {
  requireOldNode(context);
  expect(masked(output.slice(output.indexOf('daemon started')))).toBe(masked(answer));
});

test('a package installed elsewhere brings a Node and no other package', (context) => {
  requireOldNode(context);
  ok(`npm pack --ignore-scripts --pack-destination '${root}'`, checkout!);
  ok(`npm install -g --prefix '${other}' '${root}'/*.tgz`, root);
  expect(ok(`'${other}/bin/lsh' --version`, root)).toBe(`${version}\n`);
  expect(readdirSync(join(other!, 'lib/node_modules'))).toEqual(['@lsh']);
  const installed = join(other!, 'lib/node_modules/@lsh/lsh');
  expect(existsSync(join(installed, 'node_modules'))).toBe(false);
  expect(existsSync(join(installed, 'dist/node_modules/node/bin/node'))).toBe(true);
});

test('a project that depends on it keeps its own Node', (context) => {
  requireOldNode(context);
  mkdirSync(project!);
  ok(`npm init -y && npm install '${root}'/*.tgz`, project!);
  expect(ok('npx lsh --version', project!)).toBe(`${version}\n`);
  expect(readdirSync(join(project!, 'node_modules/.bin'))).toEqual(['lsh']);
});
