// A store of secrets in a directory of the test.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireFileLock } from '../../../src/stores/file-lock.ts';
import { SecretFiles } from '../../../src/stores/secret-files/secret-files.ts';

/** Another client of the store in the directory. */
export function secretFilesIn(root: string): SecretFiles {
  const ofProject = (project: string) => join(root, encodeURIComponent(project));
  return new SecretFiles({
    place: root,
    versions: ({ project, environment }) => join(ofProject(project), environment),
    log: ({ project, environment }) => join(ofProject(project), `${environment}.log`),
    environments: (project) => {
      const { length } = readdirSync(root);
      return length === 0
        ? []
        : readdirSync(ofProject(project), { withFileTypes: true }).flatMap((entry) =>
            entry.isDirectory() ? [entry.name] : [],
          );
    },
    ensureDirectory: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
    lock: () => acquireFileLock(join(root, '.lock'), 10_000)!,
    write: (path, text) => writeFileSync(path, text, { flag: 'wx', mode: 0o600 }),
  });
}
