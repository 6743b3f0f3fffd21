// Node's HTTP module, loaded cheaply: an `import` of node:http reads every export, and one of them loads an HTTP client
// that lsh does not use, which would double the time of a command line call.

/** The module node:http. */
export const http = process.getBuiltinModule('node:http');
