import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const CORRELATION_ID = 0x4d52;

/** An ApiVersions v0 request (Kafka protocol guide, key 18), the one request that any broker answers to anyone. */
export function apiVersionsRequest(): Buffer {
  const clientId = Buffer.from('millrace-stack');
  const body = Buffer.alloc(10);
  body.writeInt16BE(18, 0);
  body.writeInt16BE(0, 2);
  body.writeInt32BE(CORRELATION_ID, 4);
  body.writeInt16BE(clientId.length, 8);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length + clientId.length);
  return Buffer.concat([size, body, clientId]);
}

/** Whether the bytes are a whole answer to {@link apiVersionsRequest} without an error; undefined while more must come. */
export function isApiVersionsAnswer(received: Buffer): boolean | undefined {
  if (received.length < 10) return undefined;
  return received.readInt32BE(4) === CORRELATION_ID && received.readInt16BE(8) === 0;
}

/** How a server of the secure profile is asked. */
export interface ProbeAccess {
  /** PEM of the authority that signed the certificate of the server; with it, the probe speaks TLS. */
  readonly ca?: string | undefined;
  readonly password?: string | undefined;
}

/** True where a Kafka broker on 127.0.0.1 answers; brokers open their client port only once they have joined. */
export function kafkaAnswers(port: number, timeoutMs: number, access: ProbeAccess = {}): Promise<boolean> {
  return ask({ port, timeoutMs, ca: access.ca }, apiVersionsRequest(), isApiVersionsAnswer);
}

/** True where Redis on 127.0.0.1 answers PING, which it does only after its data has been loaded. */
export function redisAnswers(port: number, timeoutMs: number, access: ProbeAccess = {}): Promise<boolean> {
  const { password, ca } = access;
  const request = Buffer.from(password === undefined ? 'PING\r\n' : `AUTH ${password}\r\nPING\r\n`);
  const wanted = password === undefined ? '+PONG\r\n' : '+OK\r\n+PONG\r\n';
  const judge = (received: Buffer) => {
    const text = received.toString('latin1');
    if (text.length >= wanted.length) return text.startsWith(wanted);
    return wanted.startsWith(text) ? undefined : false;
  };
  return ask({ port, timeoutMs, ca }, request, judge);
}

/** True where the ClickHouse server on 127.0.0.1 answers GET /ping. */
export async function clickhouseAnswers(port: number, timeoutMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`http://127.0.0.1:${port}/ping`, { signal });
    return (await response.text()) === 'Ok.\n';
  } catch {
    return false; // Nothing listens there, or it does not answer in time: that is what was asked.
  }
}

/** A server on 127.0.0.1, asked by TLS where the authority of its certificate is given. */
export interface Asked {
  readonly port: number;
  readonly timeoutMs: number;
  readonly ca?: string | undefined;
}

/** Asks a server; `judge` says whether it answers, or that more must come. */
export function ask(
  { port, timeoutMs, ca }: Asked,
  request: Buffer,
  judge: (received: Buffer) => boolean | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const address = { host: '127.0.0.1', port };
    const socket = ca === undefined ? connect(address) : connectTls({ ...address, ca });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once(ca === undefined ? 'connect' : 'secureConnect', () => socket.write(request));
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      const verdict = judge(received);
      if (verdict !== undefined) finish(verdict);
    });
    socket.once('error', () => finish(false));
    socket.once('close', () => resolve(false));
  });
}
