// Each kind of channel at a real receiver: an HTTP server, and an SMTP server.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { channelProblem, type Channel } from '../../src/notices/channel.ts';
import { DeliveryError } from '../../src/notices/delivery-error.ts';
import { noticeVariables } from '../../src/notices/kinds/command.ts';
import { signature } from '../../src/notices/kinds/webhook.ts';
import { groupMessage, messageOf, testMessage, type NoticeMessage } from '../../src/notices/message.ts';
import { send } from '../../src/notices/send.ts';
import { at } from '../support/builders.ts';
import { aReceiver, status } from '../support/notices/receiver.ts';

const NOW = at('2026-01-01T00:02:00Z');
const MESSAGE = messageOf(
  {
    place: 1,
    channel: 'ops',
    job: 'local/backup',
    notice: {
      id: 'uid/Failed/backup-1',
      kind: 'Failed',
      at: NOW,
      run: 'backup-1',
      slot: at('2026-01-01T00:01:00Z'),
      attempt: 2,
      phase: 'Failed',
      reason: 'ExitCode',
      exitCode: 3,
      startedAt: NOW - 90_000,
      finishedAt: NOW,
      failures: 2,
    },
  },
  { platform: 'local', name: 'laptop' },
  { outputTail: 'line one\n<disk> full\u001B[2J\n', usualMs: 20_000 },
);

const sent = (channel: Channel, message: NoticeMessage = MESSAGE) =>
  send(channel, message, { signal: AbortSignal.timeout(10_000), now: NOW });

const faultOf = async (sending: Promise<void>) => {
  const error = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof DeliveryError ? { ...error.fault, message: error.message } : error;
};

describe('a webhook', () => {
  test('is signed as Standard Webhooks says: the vector of its specification', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const content = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}';
    expect(signature(secret, content)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test('signs the id, the time and the body that its receiver gets', async () => {
    const receiver = await aReceiver();
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    await sent({ kind: 'webhook', url: `${receiver.url}/hook`, secret });
    const { headers, body, path } = receiver.received[0]!;
    expect(path).toBe('/hook');
    expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/);
    expect(headers['webhook-signature']).toBe(
      signature(secret, [headers['webhook-id'], headers['webhook-timestamp'], body].join('.')),
    );
  });

  test('does not follow a redirect, and shows no URL in what it says', async () => {
    const elsewhere = await aReceiver();
    const receiver = await aReceiver(status(302, { location: elsewhere.url }));
    const fault = await faultOf(sent({ kind: 'webhook', url: `${receiver.url}/s3cr3t` }));
    expect(fault).toEqual({ retryable: false, message: 'the receiver answered with status 302' });
    expect(elsewhere.received).toEqual([]);
    const closed = await faultOf(sent({ kind: 'webhook', url: 'http://127.0.0.1:1/s3cr3t' }));
    expect(closed).toMatchObject({ retryable: true });
    expect((closed as { message: string }).message).not.toMatch(/s3cr3t/);
    expect(await faultOf(sent({ kind: 'webhook', url: 's3cr3t' }))).toEqual({
      retryable: true,
      message: 'the receiver cannot be reached: its url is no URL',
    });
  });
});

describe('a test', () => {
  const TEST = testMessage('ops', { platform: 'local', name: 'laptop' }, NOW);

  test('has a type of its own, which no receiver takes for a run', async () => {
    const receiver = await aReceiver();
    await sent({ kind: 'webhook', url: receiver.url }, TEST);
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      type: 'dev.lsh.channel.test',
      subject: 'ops',
      data: { kind: 'Test', channel: 'ops' },
    });
  });

  test('is told apart by a command', () => {
    expect(noticeVariables(TEST)).toMatchObject({ LSH_NOTICE_KIND: 'Test', LSH_NOTICE_CHANNEL: 'ops' });
  });
});

describe('a receiver that cannot be reached is named with its cause', () => {
  const saidOf = async (url: string) =>
    ((await faultOf(sent({ kind: 'webhook', url }))) as { message: string }).message;

  test('a port that refuses, one that fetch does not use, and a URL with a password', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await saidOf(`http://127.0.0.1:${port}/`)).toMatch(/cannot be reached: ECONNREFUSED$/);
    expect(await saidOf('http://127.0.0.1:1/')).toMatch(/cannot be reached: bad port$/);
    const said = await saidOf('http://ann:s3cr3t@127.0.0.1:8080/');
    expect(said).toMatch(/user or a password/);
    expect(said).not.toMatch(/s3cr3t/);
  });
});

test('a secret with which Standard Webhooks cannot sign is refused, also as the value of a reference', async () => {
  const url = 'http://127.0.0.1:8080/';
  const problemOf = (secret: string) => channelProblem('ops', { kind: 'webhook', url, secret });
  const refusal = 'channel ops: secret must be whsec_ and the Base64 of 24 to 64 bytes';
  for (const secret of [
    'geheim',
    'whsec_geheim',
    `whsec_${'A'.repeat(100)}`,
    'whsec_not base64, but long enough…',
  ])
    expect(problemOf(secret)).toBe(refusal);
  expect(problemOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toBeUndefined();
  expect(problemOf('${env:SECRET}')).toBeUndefined();
  expect(await faultOf(sent({ kind: 'webhook', url, secret: 'geheim' }))).toEqual({
    retryable: true,
    message: 'its secret is not whsec_ and the Base64 of 24 to 64 bytes',
  });
});

test('Slack gets a text, with the output in a block and without mentions', async () => {
  const receiver = await aReceiver();
  await sent({ kind: 'slack', url: receiver.url });
  const { text: shown } = JSON.parse(receiver.received[0]!.body) as { text: string };
  expect(shown).toBe(
    [
      '*backup failed: exit code 3, the 2nd time in a row*',
      'Slot: 2026-01-01T00:01:00.000Z',
      'Run: backup-1, attempt 2',
      'Duration: 1m 30s (usually 20s)',
      'Ask `lsh cron explain backup --at 2026-01-01T00:01:00.000Z`.',
      '```',
      'line one',
      '&lt;disk&gt; full [2J',
      '```',
    ].join('\n'),
  );
});

test.each([
  ['Started', '/ping/uuid/start'],
  ['Failed', '/ping/uuid/fail'],
  ['Recovered', '/ping/uuid'],
  ['Succeeded', '/ping/uuid'],
  ['Missed', '/ping/uuid/log'],
  ['Test', '/ping/uuid/log'],
] as const)('a check hears %s at %s', async (kind, path) => {
  const receiver = await aReceiver();
  await sent({ kind: 'ping', url: `${receiver.url}/ping/uuid/` }, { ...MESSAGE, kind });
  expect(receiver.received.map((one) => one.path)).toEqual([path]);
  expect(receiver.received[0]!.body).toMatch(/exit code 3[^]*line one/);
});

test('a command needs a daemon: a cluster says so, and tries it no more', async () => {
  expect(await faultOf(sent({ kind: 'command', command: 'true' }))).toEqual({
    retryable: false,
    message: 'a channel of kind command works on a laptop only: a cluster has no daemon',
  });
});

test('a command has each field in a variable, and the names of a group on lines', () => {
  expect(noticeVariables(MESSAGE)).toMatchObject({
    LSH_NOTICE_ID: 'uid/Failed/backup-1',
    LSH_NOTICE_KIND: 'Failed',
    LSH_NOTICE_JOB: 'backup',
    LSH_NOTICE_RUN: 'backup-1',
    LSH_NOTICE_SLOT: '2026-01-01T00:01:00.000Z',
    LSH_NOTICE_REASON: 'ExitCode',
    LSH_NOTICE_EXIT_CODE: '3',
    LSH_NOTICE_DURATION_SECONDS: '90',
    LSH_NOTICE_USUAL_DURATION_SECONDS: '20',
    LSH_NOTICE_OUTPUT: 'line one\n<disk> full [2J',
  });
  const of = (job: string) => ({
    place: 1,
    channel: 'ops',
    job: `local/${job}`,
    notice: { id: job, kind: 'Failed', at: NOW, group: { id: 'many', until: NOW } } as const,
  });
  const many = groupMessage([of('a'), of('b')], { platform: 'local', name: 'laptop' });
  expect(noticeVariables(many)).toMatchObject({ LSH_NOTICE_JOBS: '2', LSH_NOTICE_NAMES: 'a\nb' });
});

describe('an email', () => {
  interface Mail {
    from: string;
    to: string[];
    text: string;
  }

  async function aMailServer(options: SMTPServerOptions = {}): Promise<{ url: string; mails: Mail[] }> {
    const mails: Mail[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      logger: false,
      onData(stream, { envelope }, done) {
        stream.once('end', () => done());
        const { mailFrom, rcptTo } = envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const to = rcptTo.map(({ address }) => address);
        void text(stream).then((body) => mails.push({ from, to, text: body }));
      },
      ...options,
    });
    const listening = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
    const { port } = server.server.address() as AddressInfo;
    return { url: `smtp://127.0.0.1:${port}`, mails };
  }

  const channel = (url: string): Channel => ({
    kind: 'email',
    url,
    from: 'lsh@example.org',
    to: ['ann@example.org', 'ops@example.org'],
  });

  test('comes with the same Message-ID each time', async () => {
    const { url, mails } = await aMailServer();
    await sent(channel(url));
    await sent(channel(url));
    expect(mails.map(({ from, to }) => [from, ...to])).toEqual(
      [1, 2].map(() => ['lsh@example.org', 'ann@example.org', 'ops@example.org']),
    );
    expect(mails[0]!.text).toMatch(/^Subject: \[lsh\] backup failed: exit code 3, the 2nd time in a row\r$/m);
    expect(mails[0]!.text).toMatch(/<disk> full/);
    const ids = mails.map(({ text: body }) => /^Message-ID: (.*)\r$/m.exec(body)?.[1]);
    expect(ids[0]).toMatch(/@lsh\.invalid>$/);
    expect(ids[1]).toBe(ids[0]);
  });

  test('with a password logs in', async () => {
    const logins: (string | undefined)[] = [];
    const { url, mails } = await aMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth({ username, password }, _, done) {
        logins.push(`${username} ${password}`);
        done(null, { user: username });
      },
    });
    await sent(channel(url.replace('smtp://', 'smtp://ann:s3cr3t@')));
    expect(logins).toEqual(['ann s3cr3t']);
    expect(mails).toHaveLength(1);
  });

  test('that the server refuses for good is not tried again; a busy server is', async () => {
    const answering = (responseCode: number): SMTPServerOptions => ({
      onRcptTo: (_, __, done) => done(Object.assign(new Error('no'), { responseCode })),
    });
    const refusing = await aMailServer(answering(550));
    expect(await faultOf(sent(channel(refusing.url)))).toMatchObject({ retryable: false });
    const busy = await aMailServer(answering(450));
    expect(await faultOf(sent(channel(busy.url)))).toMatchObject({ retryable: true });
    expect(await faultOf(sent(channel('smtp://127.0.0.1:1')))).toMatchObject({ retryable: true });
  });
});
