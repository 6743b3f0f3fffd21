// Instants as text.

/** Milliseconds as RFC 3339 in UTC; whole seconds without a fraction. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
