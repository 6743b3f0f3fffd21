// `lsh supabase login`, `logout` and `whoami`: the session of a member in the team's project.
import type { Command } from 'commander';
import { toLshError } from '../../../core/errors.ts';
import type { Credential, Identity, SignedIn } from '../../../processes/supabase/session.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { ask } from '../../input/prompt.ts';
import type { Io } from '../../io.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { pad } from '../../output/text.ts';
import { calendar, relative } from '../../output/when.ts';

interface LoginFlags {
  email?: string;
  token?: boolean;
  team?: string;
}

async function login({ io }: Context, flags: LoginFlags): Promise<void> {
  const { logIn, requireSignIn } = await import('../../../processes/supabase/session.ts');
  requireSignIn();
  const member = await logIn(await credential(io, flags));
  const team = await teamFor(io, member, flags.team);
  if (team !== undefined) await member.choose(team);
  print(io, `signed in to ${member.url} as ${member.name}${team === undefined ? '' : `, team ${team}`}`);
}

async function credential(io: Io, { email, token }: LoginFlags): Promise<Credential> {
  if (token) {
    const pasted = await ask(io, {
      prompt: 'Token: ',
      what: 'an access token or a refresh token',
      hidden: true,
    });
    return { token: pasted };
  }
  if (email === undefined && !io.stdin.isTTY)
    throw usage('Name the member with --email; the password comes from stdin.');
  return {
    email: email ?? (await ask(io, { prompt: 'E-mail: ', what: 'an e-mail address' })),
    password: await ask(io, { prompt: 'Password: ', what: 'a password', hidden: true }),
  };
}

/** Undefined if the member has no team. */
async function teamFor(io: Io, member: SignedIn, named: string | undefined): Promise<string | undefined> {
  const { teams, userId } = member;
  const [first] = teams;
  if (first === undefined) {
    const row = `insert into lsh_members (team, user_id) values ('default', '${userId}');`;
    note(io, `you are in no team yet: the owner of the project adds you in its SQL editor: ${row}`);
    return named;
  }
  const chosen = named ?? member.team ?? (teams.length === 1 ? first : undefined);
  if (chosen !== undefined) return chosen;
  if (io.stdin.isTTY) return ask(io, { prompt: `Team (${teams.join(', ')}): `, what: 'one of your teams' });
  note(io, `you are in the teams ${teams.join(', ')}; --team or LSH_TEAM names another than ${first}`);
  return first;
}

async function logout({ io }: Context): Promise<void> {
  const { logOut } = await import('../../../processes/supabase/session.ts');
  const { url, ended } = await logOut();
  try {
    await ended;
  } catch (error) {
    note(io, `${toLshError(error).message} The session there goes on until it ends by itself.`);
  }
  print(io, `signed out of ${url}`);
}

async function whoami({ io }: Context, { output }: { output?: Format }): Promise<void> {
  const { whoAmI } = await import('../../../processes/supabase/session.ts');
  const identity = await whoAmI();
  if (isDocumentFormat(output)) return printDocument(io, identity, output);
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  print(io, ...lines(identity, io.now()).map(([name, value]) => `${bold(pad(`${name}:`, 8))} ${value}`));
}

function lines(identity: Identity, now: number): [string, string][] {
  const { url, role, userId, email, team, teams = [], expiresAt = 0, renews } = identity;
  if (role === 'service_role')
    return [
      ['Role', 'service_role, by SUPABASE_SERVICE_ROLE_KEY'],
      ['Project', url],
      ['Team', team],
    ];
  const others = teams.filter((name) => name !== team);
  return [
    ['Member', email === undefined ? (userId ?? '') : `${email} (${userId})`],
    ['Project', url],
    ['Team', others.length === 0 ? team : `${team}; also in ${others.join(', ')}`],
    ['Session', renews ? 'renews itself' : `expires ${relative(expiresAt, now)} (${calendar(expiresAt)})`],
  ];
}

export function addLogin(supabase: Command, context: Context): void {
  const command = supabase
    .command('login')
    .description(
      'Sign in as a member of a team, with e-mail and password, or with a token. A member reads the rows of its teams and writes none. The password is never on the command line: lsh asks for it, or reads it from stdin.',
    )
    .option('--email <address>', 'the member; asked for on a terminal')
    .option('--token', 'ask for an access token or a refresh token instead, or read it from stdin')
    .option('--team <name>', 'the team to read, for a member of several')
    .action((flags: LoginFlags) => login(context, flags));
  withExamples(
    command,
    ['lsh supabase login', 'Ask for e-mail and password'],
    ['lsh supabase login --email ada@example.com < password.txt', 'Without a terminal'],
    ['lsh supabase login --token', 'After a sign-in with a browser'],
  );
}

export function addLogout(supabase: Command, context: Context): void {
  const command = supabase
    .command('logout')
    .description('Forget the session of this machine, and end it at the project.')
    .action(() => logout(context));
  withExamples(command, ['lsh supabase logout', 'Remove the session file']);
}

export function addWhoami(supabase: Command, context: Context): void {
  const command = supabase
    .command('whoami')
    .description('Show the member that lsh signs in as, and the teams of this member.')
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => whoami(context, flags));
  withExamples(
    command,
    ['lsh supabase whoami', 'Show member, team and session'],
    ['lsh supabase whoami -o json | jq -r .team', 'Print the team for a script'],
  );
}
