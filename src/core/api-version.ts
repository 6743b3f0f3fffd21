// What a job document calls itself. Apart from job.ts so that a caller needs no schema for it.

export const API_VERSION = 'lsh.dev/v1alpha1';
export const KIND = 'LshJob';
