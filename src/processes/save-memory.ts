// Makes Node small for the processes that wait far more than they compute.
import { setFlagsFromString } from 'node:v8';

/**
 * For such a process the optimizing compilers and a large young generation only cost memory. It also drops compiled code
 * that was not used since the last collection: the code of a large `lsh apply` is not needed for long.
 */
const FLAGS = [
  '--no-opt',
  '--no-maglev',
  '--optimize-for-size',
  '--semi-space-growth-factor=1',
  '--flush-baseline-code',
  '--bytecode-old-age=1',
];

/** What the daemon uses of Node beyond its startup snapshot. */
const MODULES = [
  'node:module',
  'node:http',
  'node:child_process',
  'node:cluster',
  'node:os',
  'node:sqlite',
] as const;

/**
 * Sets V8's flags for little memory; as options of Node they would disable its startup snapshot. V8 refuses code that
 * was compiled under other flags. So this loads Node's modules first, and the compile cache, which keeps a directory
 * for each set of flags, comes after it.
 */
export function saveMemory(): void {
  for (const name of MODULES) process.getBuiltinModule(name);
  for (const flag of FLAGS) setFlagsFromString(flag);
}
