// The store of secrets in Supabase keeps the contract, for the service role and for members; the database keeps everyone else
// out, and every version as it is. A real Postgres and PostgREST.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SupabaseSecrets } from '../../src/stores/supabase/supabase-secrets.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';
import { anEntry, aStored, secretStoreContract } from './secret-store-contract.ts';

const REF = { project: 'github.com/acme/app', environment: 'prod' };

describe.skipIf(NO_SUPABASE)('a Supabase project', () => {
  let project: Supabase;
  let teams = 0;

  beforeAll(async () => {
    project = await Supabase.start();
  });
  afterAll(() => project.stop());

  async function aTeam(members: readonly string[] = []): Promise<string> {
    const team = `team-${++teams}`;
    await project.sql('insert into lsh_teams (name) values ($1)', [team]);
    for (const member of members)
      await project.sql('insert into lsh_members (team, user_id) values ($1, $2)', [team, member]);
    return team;
  }

  const ofService = (team: string) =>
    new SupabaseSecrets({ url: project.url, apiKey: project.serviceRoleKey, team, lsh: '1.0.0' });
  const ofMember = (team: string, user: string) =>
    new SupabaseSecrets({
      url: project.url,
      apiKey: project.anonKey,
      accessToken: () => Promise.resolve(project.userToken(user)),
      team,
      lsh: '1.0.0',
    });

  secretStoreContract('SupabaseSecrets of the service role and of a member', async () => {
    const team = await aTeam(['ann']);
    return [ofService(team), ofMember(team, 'ann')];
  });

  test('keeps teams apart: a stranger reads nothing and appends nothing', async () => {
    const team = await aTeam(['ann']);
    const first = aStored(1, []);
    await ofMember(team, 'ann').append(REF, first, anEntry(first));
    const stranger = ofMember(team, 'eve');
    expect(await stranger.heads(REF)).toEqual([]);
    expect(await stranger.version(REF, first.hash)).toBeUndefined();
    expect(await stranger.audit(REF, 10)).toEqual([]);
    const second = aStored(2, [first]);
    const refused = { code: 'SECRETS_STORE_REFUSED', message: expect.stringContaining('you are no member') };
    await expect(stranger.append(REF, second, anEntry(second))).rejects.toMatchObject(refused);
    await expect(stranger.record(REF, anEntry(first))).rejects.toMatchObject(refused);
    expect(await ofMember(team, 'ann').heads(REF)).toEqual([first]);
  });

  test('lets no role change, delete or slip in a version', async () => {
    const team = await aTeam(['ann']);
    const first = aStored(1, []);
    await ofMember(team, 'ann').append(REF, first, anEntry(first));
    const changes = [
      `update lsh_secret_versions set envelope = 'x'`,
      'delete from lsh_secret_versions',
      `insert into lsh_secret_versions select team, project, environment, repeat('a', 64), 9, '{}', '', now(), 'x', '' from lsh_secrets`,
      'delete from lsh_secrets',
      `select lsh.audit_secret('${team}', 'p', 'e', '{}')`,
    ];
    const claims = { sub: 'ann', role: 'authenticated' };
    for (const change of changes) {
      await expect(project.sqlAs('authenticated', claims, change)).rejects.toThrow(/permission denied/);
      await expect(project.sqlAs('service_role', { role: 'service_role' }, change)).rejects.toThrow(
        /permission denied/,
      );
    }
    await expect(project.sql(`update lsh_secret_versions set envelope = 'x'`)).rejects.toThrow(
      /never changes/,
    );
    await expect(project.sql('delete from lsh_secret_versions')).rejects.toThrow(/never changes/);
  });

  test('refuses a version whose hash is not that of its envelope', async () => {
    const team = await aTeam();
    const forged = { ...aStored(1, []), envelope: 'another' };
    await expect(ofService(team).append(REF, forged, anEntry(forged))).rejects.toMatchObject({
      code: 'SECRETS_STORE_REFUSED',
    });
  });

  test('ten writers at once make one chain', async () => {
    const team = await aTeam(['ann']);
    const storm = Array.from({ length: 10 }, async (_, writer) => {
      const store = writer % 2 ? ofService(team) : ofMember(team, 'ann');
      for (;;) {
        const heads = await store.heads(REF);
        const next = aStored((heads[0]?.version ?? 0) + 1, heads, `of writer ${writer}`);
        if ((await store.append(REF, next, anEntry(next))) === 'appended') return;
      }
    });
    await Promise.all(storm);
    const history = await ofService(team).history(REF);
    expect(history.map(({ version }) => version)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    for (const [index, { parents }] of history.entries())
      expect(parents).toEqual(history[index + 1] === undefined ? [] : [history[index + 1]!.hash]);
  });

  test('says aloud that it is offline', async () => {
    const team = await aTeam();
    const store = new SupabaseSecrets({
      url: 'http://127.0.0.1:1',
      apiKey: project.serviceRoleKey,
      team,
      lsh: '',
    });
    await expect(store.heads(REF)).rejects.toMatchObject({
      code: 'SECRETS_STORE_UNAVAILABLE',
      retryable: true,
    });
  });
});
