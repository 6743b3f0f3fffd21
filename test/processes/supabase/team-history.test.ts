// The team’s history of an operator, from its environment.
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { teamHistory } from '../../../src/processes/supabase/team-history.ts';

const SUPABASE_URL = 'https://team.supabase.co';
const historyOf = (env: Record<string, string>) =>
  teamHistory(
    loadConfig({ HOME: '/home/ada', ...env }),
    { id: 'one', kind: 'Host', name: 'laptop' },
    { outputOf: async () => undefined, jobOf: () => undefined },
  );

test('is undefined without a project, and set with its address and key', () => {
  expect(historyOf({})).toBeUndefined();
  expect(historyOf({ SUPABASE_SERVICE_ROLE_KEY: 'k' })).toBeUndefined();
  expect(historyOf({ SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY: 'k' })).toBeDefined();
});

test('says that the public key is not enough', () => {
  expect(() => historyOf({ SUPABASE_URL, SUPABASE_ANON_KEY: 'public' })).toThrow(
    'SUPABASE_SERVICE_ROLE_KEY is required when SUPABASE_URL is set: neither SUPABASE_ANON_KEY nor a member who has signed in may write.',
  );
});

test('needs the key of the project', () => {
  expect(() => historyOf({ SUPABASE_URL })).toThrow(
    expect.objectContaining({
      code: 'ENVIRONMENT_INVALID',
      problems: [{ path: 'SUPABASE_SERVICE_ROLE_KEY', message: 'is required when SUPABASE_URL is set' }],
    }),
  );
});
