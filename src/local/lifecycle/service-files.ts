// The service file that starts the daemon at login: a systemd user unit or a launchd agent. Pure: the command line
// writes it and calls systemctl or launchctl.
import { join } from 'node:path';

export interface ServiceInput {
  platform: NodeJS.Platform;
  /** HOME: both systems read a user's services from there. */
  home: string;
  /** XDG_CONFIG_HOME, where set. */
  xdgConfigHome?: string | undefined;
  /** The words of the command that runs the daemon in the foreground, with absolute paths. */
  command: string[];
  /** Variables that the daemon needs and the service manager does not set. */
  environment: Record<string, string>;
  /** Whether the program systemd-notify exists: without it, the daemon cannot tell systemd that it is ready. */
  canNotify: boolean;
  /** Files for the log and for stderr under launchd; systemd has its journal. */
  logPath: string;
  stderrPath: string;
}

export interface ServiceFile {
  path: string;
  content: string;
  /** Files that the service manager would create before the daemon, readable by every user. */
  outputs: string[];
  /** The words of the commands that switch the service on and off. */
  enable: string[][];
  disable: string[][];
  /** Links that `disable` leaves if the service manager does not answer. */
  links: string[];
  /** Commands after the file is gone. */
  reload: string[][];
}

const UNIT = 'lshd.service';
const LABEL = 'dev.lsh.lshd';

/** Returns undefined for a platform with neither systemd nor launchd. */
export function serviceFile(input: ServiceInput): ServiceFile | undefined {
  if (input.platform === 'linux') return systemdUnit(input);
  if (input.platform === 'darwin') return launchdAgent(input);
  return undefined;
}

function systemdUnit(input: ServiceInput): ServiceFile {
  const { home, xdgConfigHome, command, environment, canNotify } = input;
  const units = join(xdgConfigHome ?? join(home, '.config'), 'systemd', 'user');
  const reload = ['systemctl', '--user', 'daemon-reload'];
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${systemdQuote(`${name}=${value}`)}`,
  );
  const content = [
    '[Unit]',
    'Description=lsh: scheduled commands',
    '# A full disk or a mistake in the environment may last: systemd tries until it is gone.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    // systemd-notify is a child of the daemon, so the message does not come from the main process.
    ...(canNotify ? ['Type=notify', 'NotifyAccess=all'] : ['Type=exec']),
    `ExecStart=${command.map((word) => systemdQuote(word).replaceAll('$', '$$$$')).join(' ')}`,
    '# HUP reopens the log.',
    'ExecReload=/bin/kill -HUP $MAINPID',
    ...variables,
    '# Jobs outlive a restart of the daemon: only the daemon itself is told to end.',
    'KillMode=process',
    'Restart=on-failure',
    'RestartSec=5',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
  return {
    path: join(units, UNIT),
    content,
    outputs: [],
    enable: [reload, ['systemctl', '--user', 'enable', '--now', UNIT]],
    disable: [['systemctl', '--user', 'disable', '--now', UNIT]],
    links: [join(units, 'default.target.wants', UNIT)],
    reload: [reload],
  };
}

/** In a unit `%` starts a specifier and a backslash an escape; `$` starts a variable in commands only. */
function systemdQuote(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('%', '%%');
  return `"${escaped}"`;
}

function launchdAgent({ home, command, environment, logPath, stderrPath }: ServiceInput): ServiceFile {
  const path = join(home, 'Library', 'LaunchAgents', `${LABEL}.plist`);
  const words = command.map((word) => `    <string>${xml(word)}</string>`);
  const variables = Object.entries(environment).map(
    ([name, value]) => `    <key>${xml(name)}</key><string>${xml(value)}</string>`,
  );
  const content = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key><string>${LABEL}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...words,
    '  </array>',
    '  <key>EnvironmentVariables</key>',
    '  <dict>',
    ...variables,
    '  </dict>',
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>',
    '  <key>AbandonProcessGroup</key><true/>',
    `  <key>StandardOutPath</key><string>${xml(logPath)}</string>`,
    `  <key>StandardErrorPath</key><string>${xml(stderrPath)}</string>`,
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
  return {
    path,
    content,
    outputs: [logPath, stderrPath],
    enable: [['launchctl', 'load', '-w', path]],
    disable: [['launchctl', 'unload', '-w', path]],
    links: [],
    reload: [],
  };
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
