// Real Nodes in places of the test's own, and a package whose program tells what its launcher gave it.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { BUNDLE } from './bundle.ts';
import { tempDir } from '../temp-dir.ts';

export const LAUNCHER = join(dirname(BUNDLE), 'lsh');

/** Prints a Reached as JSON. */
export const TELL = `process.stdout.write(JSON.stringify({
  pid: process.pid, program: process.argv[1], args: process.argv.slice(2), env: process.env, cwd: process.cwd(),
}))`;

/** What reached the program. */
export interface Reached {
  pid: number;
  program: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** Makes a package of the launcher and a program; answers with its directory. */
export function aPackage(root: string = join(tempDir(), 'lsh'), code: string = TELL): string {
  const dist = join(root, 'dist');
  mkdirSync(dist, { recursive: true });
  copyFileSync(LAUNCHER, join(dist, 'lsh'));
  writeFileSync(join(dist, 'lsh.js'), code);
  return root;
}

/**
 * Makes a Node of that version and answers with its root. Where a file says the version, the Node refuses to tell it.
 */
export function aNode(
  root: string,
  version: string,
  saidBy: 'header' | 'package' | 'itself' = 'header',
): string {
  const path = join(root, 'bin/node');
  mkdirSync(dirname(path), { recursive: true });
  const answer = saidBy === 'itself' ? `echo v${version}; exit` : 'exit 1';
  const script = `if [ "$1" = --version ]; then ${answer}; fi\nNODE_ROOT='${root}' exec '${process.execPath}' "$@"\n`;
  writeFileSync(path, `#!/bin/sh\n${script}`);
  chmodSync(path, 0o755);
  if (saidBy === 'package')
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'node', version, bin: {} }, null, 2));
  if (saidBy === 'header') writeHeader(root, version);
  return root;
}

function writeHeader(root: string, version: string): void {
  const [major, minor, patch] = version.split('.');
  const lines = ['// A licence.', '', '#ifndef SRC_NODE_VERSION_H_', '#define SRC_NODE_VERSION_H_', ''];
  lines.push(`#define NODE_MAJOR_VERSION ${major}`, `#define NODE_MINOR_VERSION ${minor}`);
  lines.push(`#define NODE_PATCH_VERSION ${patch}`, '', '#endif');
  mkdirSync(join(root, 'include/node'), { recursive: true });
  writeFileSync(join(root, 'include/node/node_version.h'), lines.join('\n'));
}

export interface Call {
  args?: string[];
  /** Roots of Nodes, in the order of PATH. */
  nodes?: string[];
  env?: Record<string, string>;
  cwd?: string;
}

/** Calls a program where PATH has those Nodes and no other. */
export function call(program: string, { args = [], nodes = [], env = {}, cwd }: Call = {}) {
  const own = { PATH: pathOf(nodes), HOME: tempDir() };
  return spawnSync(program, args, { env: { ...own, ...env }, cwd, encoding: 'utf8' });
}

/** The same, for a call that must reach the program. */
export function reached(program: string, options: Call = {}): Reached {
  const { status, stdout, stderr } = call(program, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Reached;
}

/** A PATH with those Nodes, and of the system's programs only those that a launcher needs. */
export function pathOf(nodes: string[]): string {
  const folder = tempDir();
  for (const name of ['readlink', 'sh']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), join(folder, name));
  }
  return [...nodes.map((root) => join(root, 'bin')), folder].join(':');
}
