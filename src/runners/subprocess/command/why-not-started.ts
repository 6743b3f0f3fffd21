// What the system said to a start, for people.

/** The end of a sentence. Quotes no value: Node's own message about a NUL character does, and it may be a secret. */
export function whyNotStarted(error: NodeJS.ErrnoException): string {
  if (error.code === 'ERR_INVALID_ARG_VALUE')
    return 'an argument or a variable of the command holds a NUL character, which no process can be given';
  if (error.code === 'E2BIG') return 'the command and its environment are longer than the system allows';
  if (error.code === 'EAGAIN' || error.code === 'ENOMEM')
    return `the system allows this user no further process now (${error.code})`;
  if (error.code === 'EMFILE' || error.code === 'ENFILE')
    return `too many files are open for a further process (${error.code})`;
  return error.message;
}
