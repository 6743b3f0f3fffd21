// A process preloads this module: it prints the URL of each module that the process loads afterwards.
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

const STDERR = 2;

registerHooks({
  load: (url, context, next) => {
    writeSync(STDERR, `loads ${url}\n`);
    return next(url, context);
  },
});
