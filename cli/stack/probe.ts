import { connect } from 'node:net';

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

/** True where a Kafka broker on 127.0.0.1 answers; brokers open their client port only once they have joined. */
export function kafkaAnswers(port: number, timeoutMs: number): Promise<boolean> {
  return ask(port, apiVersionsRequest(), isApiVersionsAnswer, timeoutMs);
}

/** True where Redis on 127.0.0.1 answers PING, which it does only after its data has been loaded. */
export function redisAnswers(port: number, timeoutMs: number): Promise<boolean> {
  return ask(
    port,
    Buffer.from('PING\r\n'),
    (received) => (received.includes('\r\n') ? received.toString('latin1').startsWith('+PONG') : undefined),
    timeoutMs,
  );
}

function ask(
  port: number,
  request: Buffer,
  judge: (received: Buffer) => boolean | undefined,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (part) => {
      received = Buffer.concat([received, part]);
      const verdict = judge(received);
      if (verdict !== undefined) finish(verdict);
    });
    socket.once('error', () => finish(false));
    socket.once('close', () => resolve(false));
  });
}
