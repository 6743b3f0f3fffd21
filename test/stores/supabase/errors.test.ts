// Messages show no password of an address.
import { expect, test } from 'vitest';
import { SupabaseHistory } from '../../../src/stores/supabase/supabase-history.ts';
import { runEntry } from '../../../src/core/record/entry.ts';
import { aRun } from '../../support/builders.ts';
import { AN_ORIGIN } from '../../support/stores/supabase.ts';

test('no message shows a password in the address', async () => {
  const history = new SupabaseHistory({
    url: 'http://ada:hush@127.0.0.1:9',
    apiKey: 'key',
    output: undefined,
    origin: AN_ORIGIN,
  });
  const error: unknown = await history
    .record([runEntry(aRun({ phase: 'Completed' }))])
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'HISTORY_REFUSED', fields: { url: 'http://127.0.0.1:9' } });
  expect(JSON.stringify([error, String(error)])).not.toContain('hush');
});
