import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BrokerAddresses } from './broker-addresses.ts';

const METADATA = 3;
const FETCH = 1;

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function request(api: number, correlationId: number): Buffer {
  const body = Buffer.alloc(12);
  body.writeInt16BE(api, 0);
  body.writeInt32BE(correlationId, 4);
  return framed(body);
}

/** An answer that names a broker on a port. */
function answer(correlationId: number, port: number, more = ''): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(correlationId);
  const address = Buffer.alloc(4);
  address.writeInt32BE(port);
  return framed(Buffer.concat([head, Buffer.from(more), Buffer.from('127.0.0.1'), address]));
}

/** A stream cut into pieces. */
function pieces(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  let at = 0;
  for (const size of sizes) cut.push(Buffer.from(stream.subarray(at, (at += size))));
  return [...cut, Buffer.from(stream.subarray(at))].filter((piece) => piece.length > 0);
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 });

test('only answers that name brokers are changed, however the streams are cut', () => {
  fc.assert(
    fc.property(sizes, sizes, (requestSizes, answerSizes) => {
      const addresses = new BrokerAddresses(new Map([[9092, 40_000]]));
      const requests = Buffer.concat([request(METADATA, 1), request(FETCH, 2), request(METADATA, 3)]);
      for (const piece of pieces(requests, requestSizes)) addresses.request(piece);
      const answers = [answer(1, 9092, 'a'), answer(2, 9092, 'record'), answer(3, 9999)];
      const got = pieces(Buffer.concat(answers), answerSizes).map((piece) => addresses.answer(piece));
      const wanted = [answer(1, 40_000, 'a'), answer(2, 9092, 'record'), answer(3, 9999)];
      expect(Buffer.concat(got)).toEqual(Buffer.concat(wanted));
    }),
  );
});
