// Calls of node:fs as promises. The daemon does not load node:fs/promises, which would take 1.2 MB of its memory and two
// milliseconds of its start.
import * as fs from 'node:fs';
import { promisify } from 'node:util';

export const appendFile = promisify(fs.appendFile);
export const close = promisify(fs.close);
export const open = promisify(fs.open);
export const readdir = promisify(fs.readdir);
export const readFile = promisify(fs.readFile);
export const stat = promisify(fs.stat);
export const unlink = promisify(fs.unlink);
export const write = promisify(fs.write);
