// Node's HTTP, without its price. An `import` of node:http reads every export, and one of them loads a whole
// HTTP client that is not used here: half of the time that a call of the command line takes.

/** The module node:http. */
export const http = process.getBuiltinModule('node:http');
