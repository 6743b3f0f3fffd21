// apiVersion and kind of a job document. Not in job.ts, because a caller must not load the schema library for them.

export const API_VERSION = 'lsh.dev/v1alpha1';
export const KIND = 'LshJob';
