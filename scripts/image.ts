// `npm run image`: builds lsh's image with docker, podman or buildah.
// --tag NAME (ghcr.io/lsh-dev/lsh:<version>), --archive FILE for a tar that `docker load` and `ctr image import` read,
// --base NAME for a base other than the Dockerfile's.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildImage } from './image/build.ts';
import { findEngine, NO_ENGINE } from './image/engine.ts';

const UNAVAILABLE = 3;

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: `ghcr.io/lsh-dev/lsh:${version}` },
    archive: { type: 'string' },
    base: { type: 'string' },
  },
});
const engine = findEngine();
if (engine === undefined) {
  console.error(`error: ${NO_ENGINE}`);
  process.exitCode = UNAVAILABLE;
} else {
  try {
    buildImage(engine, values);
    console.log(`built ${values.tag}${values.archive === undefined ? '' : ` into ${values.archive}`}`);
  } catch {
    console.error(`error: ${engine} could not build ${values.tag}; its output is above`);
    process.exitCode = 1;
  }
}
