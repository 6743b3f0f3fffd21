import { expect, test } from 'vitest';
import { serviceFile } from '../../../src/local/lifecycle/service-files.ts';

const INPUT = {
  home: '/home/ann',
  command: ['/opt/my lsh/dist/lsh', 'daemon', 'run'],
  environment: { PATH: '/usr/bin:/bin', GREETING: '100% "sure" & $HOME' },
  logPath: '/home/ann/.local/state/lsh/lshd.log',
  canNotify: true,
  stderrPath: '/home/ann/.local/state/lsh/lshd.stderr',
};

test('the systemd unit restarts the daemon and leaves its jobs alone', () => {
  const unit = serviceFile({ ...INPUT, platform: 'linux' });
  expect(unit?.path).toBe('/home/ann/.config/systemd/user/lshd.service');
  expect(unit?.content).toContain('ExecStart="/opt/my lsh/dist/lsh" "daemon" "run"\n');
  expect(unit?.content).toContain('Environment="GREETING=100%% \\"sure\\" & $HOME"\n');
  expect(unit?.content).toContain('KillMode=process\nRestart=on-failure\n');
});

test('the unit is ready when the daemon says so, and a reload is a HUP', () => {
  const unit = serviceFile({ ...INPUT, platform: 'linux' })?.content;
  expect(unit).toContain('Type=notify\nNotifyAccess=all\n');
  expect(unit).toContain('ExecReload=/bin/kill -HUP $MAINPID\n');
  expect(serviceFile({ ...INPUT, platform: 'linux', canNotify: false })?.content).toContain('Type=exec\n');
});

test('a dollar sign in a command is not a variable to systemd', () => {
  const unit = serviceFile({ ...INPUT, command: ['/opt/$x/lsh'], platform: 'linux' });
  expect(unit?.content).toContain('ExecStart="/opt/$$x/lsh"\n');
});

test('the unit follows XDG_CONFIG_HOME', () => {
  const unit = serviceFile({ ...INPUT, platform: 'linux', xdgConfigHome: '/x' });
  expect(unit?.path).toBe('/x/systemd/user/lshd.service');
});

test('the launchd agent carries the same command, escaped for XML', () => {
  const agent = serviceFile({ ...INPUT, platform: 'darwin' });
  expect(agent?.path).toBe('/home/ann/Library/LaunchAgents/dev.lsh.lshd.plist');
  expect(agent?.content).toContain('<string>/opt/my lsh/dist/lsh</string>');
  expect(agent?.content).toContain('<key>GREETING</key><string>100% &quot;sure&quot; &amp; $HOME</string>');
  expect(agent?.content).toContain('<key>AbandonProcessGroup</key><true/>');
  expect(agent?.content).toContain(
    '<key>StandardErrorPath</key><string>/home/ann/.local/state/lsh/lshd.stderr</string>',
  );
});

test('a system without systemd and launchd has no service file', () => {
  expect(serviceFile({ ...INPUT, platform: 'win32' })).toBeUndefined();
});
