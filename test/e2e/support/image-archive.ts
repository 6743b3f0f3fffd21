// The image: its configuration, and every file of every layer.
import { execFileSync } from 'node:child_process';

export interface ImageConfig {
  User?: string;
  Entrypoint?: string[];
  Env?: string[];
  Labels?: Record<string, string>;
  StopSignal?: string;
}

/** One entry of a layer. */
export interface LayerFile {
  /** In the form of ls, such as `-rwxr-xr-x`. */
  mode: string;
  /** User and group as numbers, with a slash between them. */
  owner: string;
  bytes: number;
  /** Absolute path without a trailing slash. */
  path: string;
}

const MAX_OUTPUT = 64 * 1024 * 1024;

export class ImageArchive {
  readonly #archive: string;
  readonly #layers: readonly string[];
  readonly config: ImageConfig;
  /** Files of all layers, including files that a later layer hides. */
  readonly files: readonly LayerFile[];

  /** A docker archive. */
  constructor(archive: string) {
    this.#archive = archive;
    const [image] = JSON.parse(this.#read('manifest.json')) as { Config: string; Layers: string[] }[];
    if (image === undefined) throw new Error(`${archive} holds no image`);
    this.#layers = image.Layers;
    this.config = (JSON.parse(this.#read(image.Config)) as { config: ImageConfig }).config;
    this.files = this.#layers.flatMap((layer) =>
      this.#tar('tar -xO -f "$0" "$1" | tar -t -v --numeric-owner -f -', layer).split('\n').flatMap(parsed),
    );
  }

  /** Size of the unpacked layers. */
  get bytes(): number {
    return this.files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Content of a file of the only layer, by its path. */
  read(path: string): string {
    return this.#tar('tar -xO -f "$0" "$1" | tar -xO -f - "$2"', this.#layers.at(-1) ?? '', path.slice(1));
  }

  #read(name: string): string {
    return this.#tar('tar -xO -f "$0" "$1"', name);
  }

  #tar(script: string, ...args: string[]): string {
    return execFileSync('sh', ['-c', script, this.#archive, ...args], {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT,
    });
  }
}

/** A line such as `-rwxr-xr-x 0/0 708080 2026-01-31 12:00 usr/local/bin/tini`. */
function parsed(line: string): LayerFile[] {
  const [, mode = '', owner = '', bytes = '', path = ''] =
    /^(\S+) +(\S+) +(\d+) \S+ \S+ (.*?)\/?(?: -> .*| link to .*)?$/.exec(line) ?? [];
  return mode === '' ? [] : [{ mode, owner, bytes: Number(bytes), path: `/${path.replace(/^\.?\//, '')}` }];
}
