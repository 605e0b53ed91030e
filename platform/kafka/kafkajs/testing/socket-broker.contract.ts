import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { NEEDED_APIS } from '../protocol/needed-apis.ts';
import { ByteReader, ByteWriter } from '../protocol/wire.ts';
import type { Certificate } from './certificates.contract.ts';

export interface SocketBrokerOptions {
  /** Absent: plain TCP. */
  readonly certificate?: Certificate;
  /** Highest and lowest version of a request; as Apache Kafka has them where absent, `none` for one that is not known. */
  readonly versions?: Readonly<Record<string, readonly [number, number] | 'none'>>;
  /** Highest level of metadata.version; none is told where absent. */
  readonly metadataLevel?: number;
  /** Answers a log-in with SASL_AUTHENTICATION_FAILED, or closes the connection in the middle of it. */
  readonly logIn?: 'refuse' | 'cut';
  /** Answers anything with a TLS alert and closes, as a TLS port of Apache Kafka does to who speaks plainly. */
  readonly alertsPlainText?: boolean;
  /** Requests of these names get no answer. */
  readonly silent?: readonly string[];
}

export interface SocketBroker {
  readonly port: number;
  close(): Promise<void>;
}

const NAMES = new Map([
  ...NEEDED_APIS.map(({ key, name }) => [key, name] as const),
  [17, 'SaslHandshake'] as const,
  [36, 'SaslAuthenticate'] as const,
]);
const SASL_AUTHENTICATION_FAILED = 58;
/** RFC 8446, section 6: a fatal alert, unexpected_message. */
const UNEXPECTED_MESSAGE = Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 10]);

/** A broker on a real socket that connects, logs in and answers an empty cluster: for faults below the protocol. */
export async function listenAsBroker(options: SocketBrokerOptions = {}): Promise<SocketBroker> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // the fault under test is the client's to report
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      if (options.alertsPlainText === true) {
        socket.end(UNEXPECTED_MESSAGE);
        return;
      }
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const size = bytes.readInt32BE(0);
        answer(socket, bytes.subarray(4, 4 + size), options);
        bytes = bytes.subarray(4 + size);
      }
      // As Apache Kafka does with a first length beyond socket.request.max.bytes.
      if (bytes.length >= 4 && bytes.readInt32BE(0) > 100_000_000) socket.destroy();
    });
  };
  const { certificate } = options;
  const server =
    certificate === undefined ? createTcpServer(serve) : createTlsServer({ ...certificate }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function answer(socket: Socket, request: Buffer, options: SocketBrokerOptions): void {
  const head = new ByteReader(request);
  const name = NAMES.get(head.int16()) ?? '';
  const version = head.int16();
  const correlationId = head.int32();
  if (options.silent?.includes(name) === true) return;
  if (name === 'SaslAuthenticate' && options.logIn === 'cut') {
    socket.destroy();
    return;
  }
  const body = new ByteWriter().int32(correlationId);
  if (name === 'ApiVersions') writeVersions(body, version, options);
  else if (name === 'Metadata') body.noTags().int32(0).uvarint(1).uvarint(0).int32(1).uvarint(1).noTags();
  else if (name === 'SaslHandshake') body.int16(0).array(['PLAIN'], (mechanism) => body.string(mechanism));
  else body.int16(SASL_AUTHENTICATION_FAILED).string('wrong user or password').int32(0).int64(0);
  socket.write(new ByteWriter().bytes(body.finish()).finish());
}

function writeVersions(body: ByteWriter, version: number, options: SocketBrokerOptions): void {
  const offered = [...NAMES].flatMap(([key, name]) => {
    const range = options.versions?.[name] ?? [0, name === 'ApiVersions' ? 4 : 20];
    return range === 'none' ? [] : [{ key, range }];
  });
  body.int16(0);
  if (version < 3) {
    body.array(offered, ({ key, range }) => body.int16(key).int16(range[0]).int16(range[1]));
    body.int32(0);
    return;
  }
  body.compactArray(offered, ({ key, range }) => body.int16(key).int16(range[0]).int16(range[1]).noTags());
  body.int32(0);
  if (options.metadataLevel === undefined) {
    body.noTags();
    return;
  }
  const features = new ByteWriter();
  features.compactArray([options.metadataLevel], (level) =>
    features.compactString('metadata.version').int16(1).int16(level).noTags(),
  );
  body.uvarint(1).uvarint(0).uvarint(features.length).raw(features.finish());
}
