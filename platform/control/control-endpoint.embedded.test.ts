import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { MillraceError } from '../errors.ts';
import { openEmbeddedLog } from '../kafka/embedded/index.ts';
import { logReader } from '../kafka/log-reader.ts';
import type { LogRecord } from '../kafka/port.ts';
import { silentLogger } from '../log.ts';
import { askEndpoint } from './control-client.ts';
import type { ControlEndpoint } from './control-endpoint.ts';
import { ownDataDir } from './data-dir.ts';
import { logEndpoints, remoteLog } from './remote-log.ts';

async function serve(...endpoints: readonly ControlEndpoint[]) {
  const dataDir = await temporaryDir();
  const owner = await ownDataDir({ dataDir, command: 'demo', now: Date.now, log: silentLogger() });
  onTestFinished(() => owner.close());
  for (const endpoint of endpoints) owner.serve(endpoint);
  return { dataDir, owner };
}

async function partsOf(dataDir: string, name: string, query = {}): Promise<readonly unknown[]> {
  const parts: unknown[] = [];
  for await (const part of askEndpoint(dataDir, name, new URLSearchParams(query))) parts.push(part);
  return parts;
}

/** Numbers from 0 on, with what became of them. */
function numbers(count: number, end?: Error) {
  const seen = { made: 0, isClosed: false };
  const endpoint: ControlEndpoint = {
    name: 'numbers',
    async *answer(query) {
      try {
        for (let n = 0; n < count; n++) {
          seen.made += 1;
          yield { n, pad: 'x'.repeat(Number(query.get('pad') ?? 0)) };
        }
        if (end !== undefined) throw end;
      } finally {
        seen.isClosed = true;
      }
    },
  };
  return { endpoint, seen };
}

describe('an endpoint of the control socket', () => {
  it('gives its parts in order', async () => {
    const { dataDir } = await serve(numbers(1000).endpoint);
    const parts = await partsOf(dataDir, 'numbers', { pad: 100 });
    expect(parts.map((part) => (part as { n: number }).n)).toEqual([...Array(1000).keys()]);
  });

  it('tells what failed, by its code', async () => {
    const fault = new MillraceError('MR_LOG_CORRUPT', 'a bad sum');
    const { dataDir } = await serve(numbers(2, fault).endpoint);
    await expect(partsOf(dataDir, 'numbers')).rejects.toMatchObject({
      code: 'MR_LOG_CORRUPT',
      message: 'a bad sum',
    });
  });

  it('is MR_CONTROL_FAILED where there is none, nobody owns the folder, or the owner goes', async () => {
    const { dataDir, owner } = await serve(numbers(1_000_000).endpoint);
    const failed = { code: 'MR_CONTROL_FAILED' };
    await expect(partsOf(dataDir, 'other')).rejects.toMatchObject(failed);
    const reading = (async () => {
      for await (const part of askEndpoint(dataDir, 'numbers', new URLSearchParams({ pad: '1000' })))
        if ((part as { n: number }).n === 5) void owner.close();
    })();
    await expect(reading).rejects.toMatchObject(failed);
    await expect(partsOf(dataDir, 'numbers')).rejects.toMatchObject(failed);
  });

  it('makes parts only as fast as they are read, and stops when nobody reads any more', async () => {
    const { endpoint, seen } = numbers(1_000_000);
    const { dataDir } = await serve(endpoint);
    const parts = askEndpoint(dataDir, 'numbers', new URLSearchParams({ pad: '10000' }));
    await parts.next();
    const settled = await waitUntil(
      async () => {
        const before = seen.made;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return seen.made === before;
      },
      { what: 'back-pressure' },
    );
    expect(settled).toBe(true);
    expect(seen.made).toBeLessThan(2000);
    await parts.return(undefined);
    await waitUntil(() => seen.isClosed, { what: 'the end of the answer' });
  });
});

it('a log is read through it as by its owner', async () => {
  const kafka = await openEmbeddedLog({ dir: await temporaryDir(), log: silentLogger(), fsync: false });
  onTestFinished(() => kafka.close());
  await kafka.admin.ensureTopics([{ topic: 'a', partitions: 2 }]);
  const records = [
    { topic: 'a', partition: 1, key: 'k', value: Buffer.from([0, 255]), headers: { h: 'ä' }, timestampMs: 5 },
    { topic: 'a', partition: 1, key: null, value: null, timestampMs: 6 },
    { topic: 'a', partition: 1, key: '', value: Buffer.alloc(0), timestampMs: 7 },
  ];
  await kafka.producer().send(records);
  const { dataDir } = await serve(...logEndpoints(logReader(kafka)));
  const [here, there] = [logReader(kafka), remoteLog(dataDir)];
  expect(await there.topicNames()).toEqual(await here.topicNames());
  expect(await there.offsets(['a'])).toEqual(await here.offsets(['a']));
  const read = async (log: typeof here, fromOffset?: number) => {
    const all: LogRecord[] = [];
    const source = { topic: 'a', partition: 1, ...(fromOffset === undefined ? {} : { fromOffset }) };
    for await (const batch of log.readToEnd(source)) all.push(...batch.records);
    return all;
  };
  expect(await read(there)).toEqual(await read(here));
  expect(await read(there, 2)).toEqual(await read(here, 2));
  await expect(there.offsets(['none'])).rejects.toMatchObject({ code: 'MR_KAFKA_TOPIC_MISMATCH' });
});
