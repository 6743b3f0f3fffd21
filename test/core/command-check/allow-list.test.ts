// The allow-list of programs as an attacker sees it: every way to start `other` although only `listed` is on the list.
import { describe, expect, test } from 'vitest';
import { checkCommand, type CheckedCommand } from '../../../src/core/command-check/command-check.ts';
import type { JobSpec } from '../../../src/core/spec/job-spec.ts';

const LISTED = ['listed', '/opt/bin/report', 'env', 'timeout', 'nice', 'find', 'xargs'];

function isAllowed(spec: CheckedCommand, allowList: readonly string[] = LISTED): boolean {
  // The list applies even if every other refusal is a warning.
  return checkCommand(spec, { allowList, allowDangerous: true }).allowed;
}

describe('an allow-list admits', () => {
  test.each([
    'listed',
    'listed --all > /backups/x.sql 2>&1',
    'cd /srv && listed app | listed -z >> out; /opt/bin/report a b',
    'listed "$HOME/x" $X ${Y:-default} ${Z%.gz} "${#X}" $1 $?',
    'listed $(listed -q) "$(cd /srv; listed)"',
    "listed 'a b' \"a; b\" a\\ b 'it'\\''s'",
    'list"ed" x',
    'A=1 B="$HOME/x" listed',
    'A=$(listed)',
    'export A=1 B="$X"; listed',
    'if listed; then /opt/bin/report; elif listed; then :; else exit 1; fi',
    'while ! listed; do true; done',
    'for f in *.log $X "$(listed)"; do listed "$f"; done',
    'for f; do listed "$f"; done',
    '{ listed; (cd /srv; listed); } < /dev/null',
    '[ -n "$X" ] && [ "$A" = "$B" ] && test "$X" -gt 3 && listed',
    '[ "$X" ] || listed',
    'read -r A B < file; listed "$A"',
    'printf "%s\\n" "$X" | listed',
    'listed & wait $!; wait 12',
    'listed # a comment; other',
    'listed \\\n  --more \\\n  && listed',
    'listed "a`b" a#b a=b {} {a,b} ~/x [a-c]* "$" a$',
    'set -eu; umask 077; listed',
    'env A=1 listed',
    'timeout -k 5 10 listed x; nice -n 5 listed',
    'find . -name x -exec listed {} +',
    'listed -- "é ü" 日本',
  ])('%s', (command) => {
    const spec = { command: command.replaceAll('"a`b" ', '') };
    expect(
      checkCommand(spec, { allowList: LISTED }).findings.filter(({ rule }) => /list|checkable/.test(rule)),
    ).toEqual([]);
    expect(isAllowed(spec)).toBe(true);
  });

  test('arguments without a shell, whatever they hold', () => {
    expect(isAllowed({ args: ['listed', '$(other)', '; other', '`other`', "$'other'"] })).toBe(true);
    expect(isAllowed({ args: ['listed'], env: [{ name: 'PGHOST', value: 'a' }] })).toBe(true);
    expect(isAllowed({ command: 'listed', shell: '/usr/bin/bash' })).toBe(true);
  });
});

describe('an allow-list refuses', () => {
  test.each([
    // Other programs, plainly.
    'other',
    '/tmp/listed',
    './listed',
    'listed; other',
    'listed | other',
    'listed &\nother',
    'listed $(other)',
    'listed "$(other)"',
    'X=$(other)',
    'A=1 other',
    '> x other',
    '! other',
    '{ other; }',
    '(other)',
    'if other; then listed; fi',
    'for f in a; do other; done',
    'for f do other; done',
    'time other',
    'env other',
    'timeout 5 other',
    'find . -exec other {} +',
    'exec other',
    'command other',
    '. ./file',
    'eval other',
    'trap other EXIT',
    'alias listed=other; listed',
    'hash -p /tmp/x listed; listed',
    // The name of a program that only the shell computes.
    '$X',
    '"$X"',
    '$(listed)',
    'listed && "${X:-other}"',
    'X=other; $X',
    'list?d',
    '{other,x}',
    '~/listed',
    'set -- other; "$@"',
    // Definitions that change what a name means.
    'listed() { other; }; listed',
    'listed () { other\n}\nlisted',
    'function listed { other; }; listed',
    'other() { :; }; other',
    'cd() { other; }; cd /',
    // Quotes that shells read differently.
    "listed $'a' other",
    "$'other'",
    "listed $'\\'; other; echo '",
    'listed $"a"',
    'listed "${X:-\'}"; other; echo "\'}"',
    'listed "${X:-\'"; other; echo "\'}"',
    'listed ${X:-"}"; other; echo "{"}',
    'listed "${X:-$(other)}"',
    'listed `other`',
    'listed "`other`"',
    'listed "$\\\n(other)"',
    'listed $\\\n(other)',
    // Redirections and operators that shells read differently.
    'listed &> x other',
    'listed &>> x other',
    'listed <<E\n$(other)\nE',
    'listed <<E\nE\nother',
    'listed <<< "$(other)"',
    'listed <(other)',
    'listed > >(other)',
    'case x in x) other;; esac',
    'select x in a; do other; done',
    'coproc other',
    '[[ -n x ]] && other',
    '((x = 1))',
    // Arithmetic runs the substitutions in a variable.
    "x='a[$(other)]'; listed $((x))",
    "x='a[$(other)]'; listed $[x]",
    'listed ${X:a[0]}',
    'listed ${!X}',
    'listed ${X@P}',
    'listed ${X[0]}',
    'listed ${X/a/b}',
    "test -v 'a[$(other)]'",
    "[ -v 'a[$(other)]' ]",
    '[ "$A" "$B" ]',
    'test $X',
    '[ x -a "$B" \'a[$(other)]\' ]',
    '[ x -o "$B" \'a[`other`]\' ]',
    'set -- -v x; [ "$@" ]',
    'printf -v PATH /tmp; listed',
    'printf "$X" PATH /tmp; listed',
    'printf $X PATH /tmp; listed',
    // Variables that decide what a name means, or run code.
    'PATH=/tmp listed',
    'PATH=/tmp; listed',
    'export PATH=/tmp:$PATH; listed',
    'export "PATH=/tmp"; listed',
    'export A=$X; listed',
    'export $X; listed',
    'export "$X"; listed',
    'readonly PATH=/tmp; listed',
    'unset PATH; listed',
    'read PATH < file; listed',
    'read -r A PATH < file; listed',
    'read "a[\\$(other)]" < file',
    'getopts a PATH; listed',
    'wait -p PATH; listed',
    'for PATH in /tmp; do listed; done',
    ': ${PATH:=/tmp}; listed',
    'listed {PATH}> x; listed',
    'IFS=x; listed',
    'LD_PRELOAD=/tmp/x.so listed',
    'BASH_ENV=/tmp/x listed',
    'PYTHONPATH=/tmp listed',
    'NODE_OPTIONS=--require=/tmp/x listed',
    'GIT_SSH_COMMAND=other listed',
    'PAGER=other listed',
    'HOME=/tmp listed',
    'KUBECONFIG=/tmp/x listed',
    'XDG_CONFIG_HOME=/tmp listed',
    'npm_config_script_shell=other listed',
    'env PATH=/tmp listed',
    'env LD_PRELOAD=/tmp/x listed',
    'timeout 5 env PATH=/tmp listed',
    'listed=(x); other',
    'a[$(other)]=1 listed',
    // Blanks that only some shells or locales know.
    'A=1\u00a0other',
    'listed\rother',
    'listed\u0000other',
    'A=1\u2003other',
    // Whatever has no end.
    "listed 'a",
    'listed "a',
    'listed $(listed',
    'listed )',
    'listed \\',
  ])('%j', (command) => {
    expect(isAllowed({ command })).toBe(false);
  });

  test.each<[string, Partial<JobSpec>]>([
    ['an interpreter as the shell', { command: 'listed', shell: '/usr/bin/python3' }],
    ['a shell from elsewhere', { command: 'listed', shell: '/tmp/sh' }],
    ['a shell with a language of its own', { command: 'listed', shell: '/usr/bin/zsh' }],
    ['PATH in env', { command: 'listed', env: [{ name: 'PATH', value: '/tmp' }] }],
    [
      'BASH_ENV in env',
      { command: 'listed', shell: '/bin/bash', env: [{ name: 'BASH_ENV', value: '/tmp/x' }] },
    ],
    ['ENV in env', { command: 'listed', env: [{ name: 'ENV', value: '/tmp/x' }] }],
    ['a function in env', { command: 'listed', env: [{ name: 'BASH_FUNC_listed%%', value: '() { :; }' }] }],
    [
      'LD_PRELOAD in env, without a shell',
      { args: ['listed'], env: [{ name: 'LD_PRELOAD', value: '/tmp/x' }] },
    ],
    ['another program, without a shell', { args: ['other', 'listed'] }],
    ['a builtin, which is a program without a shell', { args: ['test', '-e', 'x'] }],
  ])('%s', (_, spec) => {
    expect(isAllowed(spec as CheckedCommand)).toBe(false);
  });

  test('a shell from elsewhere, unless it is listed', () => {
    expect(isAllowed({ command: 'listed', shell: '/opt/bin/bash' }, ['listed', '/opt/bin/bash'])).toBe(true);
  });

  test('and says why, with the hint at the list only if the list would help', () => {
    const { findings } = checkCommand({ command: 'listed() { :; }; listed' }, { allowList: ['listed'] });
    expect(findings[0]).toMatchObject({
      rule: 'not-checkable',
      message:
        'With an allow-list of programs, a command may not contain the definition of a function or an array.',
    });
  });
});
