import { ask } from '../../../cli/stack/probe.ts';

/** Kafka protocol guide: Metadata, key 3, version 1, about all topics. */
const API_METADATA = 3;
const VERSION = 1;
const ALL_TOPICS = -1;
const TIMEOUT_MS = 5000;

/**
 * How many partitions are not in sync on all of their replicas, as a broker knows it; undefined where it does not answer. A
 * broker that has come back is no stand-in for another one before this is 0.
 */
export async function outOfSync(port: number): Promise<number | undefined> {
  let answer: Buffer | undefined;
  const isWhole = await ask({ port, timeoutMs: TIMEOUT_MS, ca: undefined }, metadataRequest(), (received) => {
    if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return undefined;
    answer = received;
    return true;
  });
  return isWhole && answer !== undefined ? countOutOfSync(answer) : undefined;
}

function metadataRequest(): Buffer {
  const clientId = Buffer.from('chaos');
  const request = Buffer.alloc(4 + 8 + 2 + clientId.length + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(API_METADATA, 4);
  request.writeInt16BE(VERSION, 6);
  request.writeInt16BE(clientId.length, 12);
  clientId.copy(request, 14);
  request.writeInt32BE(ALL_TOPICS, request.length - 4);
  return request;
}

/** Reads a whole answer: brokers, controller, then topics with their partitions. */
function countOutOfSync(answer: Buffer): number {
  let at = 8; // behind size and correlation id
  const int32 = () => answer.readInt32BE((at += 4) - 4);
  const text = () => {
    const length = answer.readInt16BE((at += 2) - 2);
    at += Math.max(0, length);
  };
  for (let brokers = int32(); brokers > 0; brokers--) {
    int32();
    text();
    int32();
    text();
  }
  int32();
  let count = 0;
  for (let topics = int32(); topics > 0; topics--) {
    at += 2;
    text();
    at += 1;
    for (let partitions = int32(); partitions > 0; partitions--) {
      at += 2 + 4;
      const leader = int32();
      const replicas = int32();
      at += 4 * replicas;
      const inSync = int32();
      at += 4 * inSync;
      if (leader < 0 || inSync < replicas) count += 1;
    }
  }
  return count;
}
