// The version of the program; the bundle has it built in.
declare const __LSH_VERSION__: string | undefined;

/** As in package.json; `0.0.0-source` when run from the sources. */
export const VERSION: string = typeof __LSH_VERSION__ === 'string' ? __LSH_VERSION__ : '0.0.0-source';
