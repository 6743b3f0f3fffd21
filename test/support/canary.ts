// A secret value that must turn up nowhere, and the places to look for it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Its encoded forms differ from each other. */
export const CANARY = 'canary/of+the~vault%1';

/** The bytes of all files below the directory, by path. */
export function filesBelow(directory: string): [string, Buffer][] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path)]);
}

/** The forms in which a value must stand nowhere. */
const FORMS = [
  CANARY,
  encodeURIComponent(CANARY),
  JSON.stringify(CANARY).slice(1, -1),
  ...[0, 1, 2].flatMap((shift) =>
    (['base64', 'base64url'] as const).map((alphabet) => {
      const encoded = Buffer.from('x'.repeat(shift) + CANARY).toString(alphabet);
      return encoded.replaceAll('=', '').slice(4, -1);
    }),
  ),
];

/** Fails if the bytes hold the canary in any form. */
export function expectNone(what: string, bytes: Buffer | string): void {
  for (const form of FORMS) expect(bytes.includes(form), `${what} holds ${form}`).toBe(false);
}
