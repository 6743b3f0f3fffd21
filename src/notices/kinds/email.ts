// An email by SMTP. The only importer of nodemailer.
import { createHash } from 'node:crypto';
import { createTransport } from 'nodemailer';
import type { ChannelOf } from '../channel.ts';
import { DeliveryError } from '../delivery-error.ts';
import type { Send } from '../send.ts';

const TIMEOUT_MS = 15_000;

export const sendEmail: Send<ChannelOf<'email'>> = async ({ url, from, to }, message, { signal }) => {
  const { id, title, lines, output } = message;
  const transport = createTransport({
    url,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  const close = () => transport.close();
  signal.addEventListener('abort', close);
  try {
    await transport.sendMail({
      from,
      to,
      subject: `[lsh] ${title}`,
      text: [title, ...lines, ...(output === undefined ? [] : ['', 'The end of its output:', output])].join(
        '\n',
      ),
      // The same for the same notice: a mailbox shows what comes again once.
      messageId: `<${createHash('sha256').update(id).digest('hex').slice(0, 40)}@lsh.invalid>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Lsh-Notice': id },
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  } catch (error) {
    const { responseCode, code, message: why } = error as Error & { responseCode?: number; code?: string };
    // 5xx: the server will not take it; a connection may come back.
    const isFinal = responseCode !== undefined && responseCode >= 500;
    const text = responseCode === undefined ? (code ?? why) : `answer ${responseCode}`;
    throw new DeliveryError(`the mail server did not take it: ${text}`, { retryable: !isFinal }, error);
  } finally {
    signal.removeEventListener('abort', close);
    transport.close();
  }
};
