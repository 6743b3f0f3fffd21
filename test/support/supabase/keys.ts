// The keys of a project: tokens that say which role their bearer has in the database.
import { createHmac } from 'node:crypto';

/** A token of HS256 for the role; `claims` such as `sub` and `exp` beside it. */
export function roleToken(secret: string, role: string, claims: object = {}): string {
  const payload = [
    { alg: 'HS256', typ: 'JWT' },
    { iss: 'supabase', role, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${payload}.${createHmac('sha256', secret).update(payload).digest('base64url')}`;
}
