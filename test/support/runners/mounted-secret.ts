// A Secret as the kubelet mounts it: files behind links to `..data`, itself a link to a directory that never changes. A new
// version is a new directory; the link moves at once, and the former directory goes.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';

export class MountedSecret {
  readonly #path: string;

  /** The volume of an optional Secret that does not exist is empty. */
  constructor(root: string, namespace: string, environment: string) {
    this.#path = join(root, namespace, environment);
    mkdirSync(this.#path, { recursive: true });
  }

  /** Writes the data of a Secret: values in base64, by name. */
  write(data: Readonly<Record<string, string>>): void {
    const name = basename(mkdtempSync(join(this.#path, '..version-')));
    for (const [key, value] of Object.entries(data)) {
      writeFileSync(join(this.#path, name, key), Buffer.from(value, 'base64'));
      rmSync(join(this.#path, key), { force: true });
      symlinkSync(join('..data', key), join(this.#path, key));
    }
    const current = join(this.#path, '..data');
    const former = existsSync(current) ? readlinkSync(current) : undefined;
    symlinkSync(name, `${current}_tmp`);
    renameSync(`${current}_tmp`, current);
    if (former !== undefined) rmSync(join(this.#path, former), { recursive: true });
  }
}

/** The data of a Secret that `lsh push --to kubernetes` delivered. */
export function deliveredData(
  version: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries({ ...variables, LSH_SECRETS_VERSION: version });
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
}
