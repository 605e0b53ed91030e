import { expect, it } from 'vitest';
import { MillraceError } from '../../errors.ts';
import type { Kafka } from '../port.ts';
import { groupLag } from '../group-lag.ts';
import {
  initialised,
  Members,
  newTopic,
  randomName,
  readValues,
  until,
  type Engine,
} from './harness.contract.ts';

/** A broker acknowledges a commit before it has written the markers that let readers see it: they may lag a moment. */
const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 20_000, interval: 20 });

/** What a transaction promises: all or nothing over partitions, topics and offsets; one holder for each id. */
export function transactionContract(engine: Engine): void {
  atomicity(engine);
  fencing(engine);
}

function atomicity(engine: Engine): void {
  it('makes records of several topics and the offsets visible together', async () => {
    const { kafka } = engine();
    const [input, output, changelog] = await topics(kafka);
    const groupId = randomName('group');
    const producer = await initialised(kafka, { transactionalId: randomName('tx'), groupId });
    for (let i = 1; i <= 3; i++) {
      await producer.commit({
        records: [
          { topic: output, key: null, value: Buffer.from(`out-${i}`), partition: 0 },
          { topic: output, key: null, value: Buffer.from(`out-${i}`), partition: 1 },
          { topic: changelog, key: 'k', value: Buffer.from(`state-${i}`), partition: 0 },
        ],
        offsets: [{ topic: input, partition: 0, offset: i * 10 }],
      });
    }
    await producer.close();
    await eventually(() => readValues(kafka, output, 0)).toEqual(['out-1', 'out-2', 'out-3']);
    await eventually(() => readValues(kafka, output, 1)).toEqual(['out-1', 'out-2', 'out-3']);
    await eventually(() => readValues(kafka, changelog, 0)).toEqual(['state-1', 'state-2', 'state-3']);
    expect(await kafka.admin.committed(groupId, input)).toEqual([{ topic: input, partition: 0, offset: 30 }]);
    for (const topic of [input, output, changelog])
      await eventually(() => kafka.admin.isSettled(topic)).toBe(true);
  });

  it('never shows a transaction that failed, and the id goes on after it', async () => {
    const { kafka } = engine();
    const [input, output] = await topics(kafka);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const producer = await initialised(kafka, id);
    const failed = producer.commit({
      records: [
        { topic: output, key: null, value: Buffer.from('small'), partition: 0 },
        { topic: output, key: null, value: Buffer.alloc(3_000_000), partition: 1 },
      ],
      offsets: [{ topic: input, partition: 0, offset: 5 }],
    });
    // For good, and not as an outcome that is unknown: its owner would send it again for ever.
    await expect(failed).rejects.toMatchObject({
      code: 'MR_KAFKA_PRODUCE_FAILED',
      retryable: false,
      context: { topic: output },
    });
    await expect(producer.commit({ records: [], offsets: [] })).rejects.toBeInstanceOf(MillraceError);
    await producer.close();
    const next = await initialised(kafka, id);
    expect(await kafka.admin.committed(id.groupId, input)).toEqual([]);
    await next.commit({
      records: [{ topic: output, key: null, value: Buffer.from('after'), partition: 0 }],
      offsets: [{ topic: input, partition: 0, offset: 6 }],
    });
    await next.close();
    await eventually(() => readValues(kafka, output, 0)).toEqual(['after']);
    expect(await readValues(kafka, output, 1)).toEqual([]);
    expect(await kafka.admin.committed(id.groupId, input)).toEqual([
      { topic: input, partition: 0, offset: 6 },
    ]);
  });

  it('tells beforehand which records are too large for their topics, as those are set now', async () => {
    const { kafka } = engine();
    const small = await newTopic(kafka, 1, { 'max.message.bytes': '100000' });
    const large = await newTopic(kafka, 1, { 'max.message.bytes': '4000000' });
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const producer = await initialised(kafka, id);
    const record = (topic: string, bytes: number) => ({
      ...{ topic, key: 'k', value: Buffer.alloc(bytes), partition: 0, headers: { h: 'x' } },
    });
    const fits = [record(small, 99_000), record(large, 3_000_000)];
    const records = [record(small, 1), record(small, 100_001), ...fits, record(large, 4_000_001)];
    expect((await producer.refused(records)).map(({ index }) => index)).toEqual([1, 4]);
    expect((await producer.refused(records))[0]?.reason).toMatch(/100\d{3} bytes is larger than topic/);
    expect(await producer.refused([])).toEqual([]);
    await producer.commit({ records: fits, offsets: [] });
    // What was called refused would have been.
    await expect(producer.commit({ records, offsets: [] })).rejects.toMatchObject({
      ...{ code: 'MR_KAFKA_PRODUCE_FAILED', retryable: false },
    });
    await producer.close();
  });

  it('shows a reader the records of one transaction together, however often it looks', async () => {
    const { kafka } = engine();
    const [, output] = await topics(kafka);
    const producer = await initialised(kafka, {
      transactionalId: randomName('tx'),
      groupId: randomName('group'),
    });
    const size = 40;
    const over = new AbortController();
    const writing = (async () => {
      for (let i = 0; i < 15; i++) {
        const records = Array.from({ length: size }, () => ({
          topic: output,
          key: null,
          value: Buffer.from(String(i)),
          partition: 0,
        }));
        await producer.commit({ records, offsets: [] });
      }
    })().finally(() => over.abort());
    const counts: number[] = [];
    while (!over.signal.aborted) {
      counts.push((await readValues(kafka, output, 0)).length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    await producer.close();
    expect(counts.filter((count) => count % size !== 0)).toEqual([]);
    await eventually(() => readValues(kafka, output, 0)).toHaveLength(15 * size);
  });

  it('brings a reader of transactions to the end, where no control record is left to wait for (fault I)', async () => {
    const { kafka } = engine();
    const [, output] = await topics(kafka);
    const groupId = randomName('group');
    const producer = await initialised(kafka, { transactionalId: randomName('tx'), groupId });
    for (const value of ['a', 'b'])
      await producer.commit({
        records: [{ topic: output, key: null, value: Buffer.from(value), partition: 0 }],
        offsets: [],
      });
    const members = new Members();
    const member = await members.join(kafka, groupId, [output]);
    await member.until(
      'it has seen both and is caught up',
      () =>
        member.values().length === 2 &&
        member.batches.some((batch) => batch.partition === 0 && batch.nextOffset >= batch.endOffset),
    );
    const { nextOffset: offset = -1 } = member.batches.filter((batch) => batch.partition === 0).at(-1) ?? {};
    await members.stop();
    await producer.commit({ records: [], offsets: [{ topic: output, partition: 0, offset }] });
    await producer.close();
    expect(member.values()).toEqual(['a', 'b']);
    expect((await groupLag(kafka.admin, groupId, [output]))[0]).toMatchObject({ committed: offset, lag: 0 });
  });

  it('appends in no transaction as well, until a newer holder has written to the partition', async () => {
    const { kafka } = engine();
    const [, output] = await topics(kafka);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const record = (value: string) => ({ topic: output, key: null, value: Buffer.from(value), partition: 0 });
    const older = await initialised(kafka, id);
    await older.append([]);
    await older.append([record('a'), record('b')]);
    expect(await readValues(kafka, output, 0)).toEqual(['a', 'b']);
    await older.append([record('c')]);
    const newer = await initialised(kafka, id);
    await newer.append([record('d')]);
    await expect(older.append([record('e')])).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' });
    await expect(older.append([record('f')])).rejects.toBeInstanceOf(MillraceError);
    await newer.append([record('g')]);
    await Promise.all([older.close(), newer.close()]);
    await expect(newer.append([record('h')])).rejects.toBeInstanceOf(MillraceError);
    expect(await readValues(kafka, output, 0)).toEqual(['a', 'b', 'c', 'd', 'g']);
  });

  it('moves no offset and writes no record before init, and none after close', async () => {
    const { kafka } = engine();
    const [input, output] = await topics(kafka);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const transaction = {
      records: [{ topic: output, key: null, value: Buffer.from('x'), partition: 0 }],
      offsets: [{ topic: input, partition: 0, offset: 1 }],
    };
    const producer = kafka.transactionalProducer(id);
    await expect(producer.commit(transaction)).rejects.toMatchObject({ code: 'MR_INTERNAL' });
    await producer.close();
    const other = await initialised(kafka, id);
    await other.close();
    await expect(other.commit(transaction)).rejects.toBeInstanceOf(MillraceError);
    expect(await readValues(kafka, output, 0)).toEqual([]);
    expect(await kafka.admin.committed(id.groupId, input)).toEqual([]);
  });

  it('answers an end offset that covers every committed record', async () => {
    const { kafka } = engine();
    const [, output] = await topics(kafka);
    const producer = await initialised(kafka, {
      transactionalId: randomName('tx'),
      groupId: randomName('group'),
    });
    const records = [{ topic: output, key: null, value: Buffer.from('a'), partition: 1 }];
    await producer.commit({ records, offsets: [] });
    await producer.close();
    const end = async () => (await kafka.admin.offsets(output)).find((at) => at.partition === 1)?.end;
    await eventually(end).toBeGreaterThanOrEqual(1);
    await eventually(() => readValues(kafka, output, 1)).toEqual(['a']);
  });
}

function fencing(engine: Engine): void {
  it('fences the older holder of an id', async () => {
    const { kafka } = engine();
    const [input, output] = await topics(kafka);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const older = await initialised(kafka, id);
    const transaction = (value: string, offset: number) => ({
      records: [{ topic: output, key: null, value: Buffer.from(value), partition: 0 }],
      offsets: [{ topic: input, partition: 0, offset }],
    });
    await older.commit(transaction('older', 1));
    const newer = await initialised(kafka, id);
    await expect(older.commit(transaction('zombie', 99))).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' });
    await older.close();
    expect(await kafka.admin.committed(id.groupId, input)).toEqual([
      { topic: input, partition: 0, offset: 1 },
    ]);
    await newer.commit(transaction('newer', 2));
    await newer.close();
    await eventually(() => readValues(kafka, output, 0)).toEqual(['older', 'newer']);
    expect(await kafka.admin.committed(id.groupId, input)).toEqual([
      { topic: input, partition: 0, offset: 2 },
    ]);
  });

  it('has settled the committed offsets when the newer holder is ready', async () => {
    const { kafka } = engine();
    const [input, output] = await topics(kafka);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const older = await initialised(kafka, id);
    const newer = kafka.transactionalProducer(id);
    const committing = older
      .commit({
        records: [{ topic: output, key: null, value: Buffer.from('raced'), partition: 0 }],
        offsets: [{ topic: input, partition: 0, offset: 7 }],
      })
      .then(
        () => 'committed',
        (error: unknown) => (error instanceof MillraceError ? error.code : 'not ours'),
      );
    await newer.init();
    const settled = await kafka.admin.committed(id.groupId, input);
    const outcome = await committing;
    expect(['committed', 'MR_KAFKA_FENCED', 'MR_KAFKA_TRANSACTION_UNKNOWN']).toContain(outcome);
    if (outcome === 'committed') expect(settled).toHaveLength(1);
    if (outcome === 'MR_KAFKA_FENCED') expect(settled).toEqual([]);
    expect(await kafka.admin.committed(id.groupId, input)).toEqual(settled);
    await eventually(() => readValues(kafka, output, 0)).toEqual(settled.length === 1 ? ['raced'] : []);
    await older.close();
    await newer.close();
  });

  it('lets different ids commit side by side', async () => {
    const { kafka } = engine();
    const [input, output] = await topics(kafka);
    const groupId = randomName('group');
    const ids = [0, 1, 2, 3];
    const producers = await Promise.all(
      ids.map((i) => initialised(kafka, { transactionalId: randomName(`tx-${i}`), groupId })),
    );
    await Promise.all(
      producers.map((producer, i) =>
        producer.commit({
          records: [{ topic: output, key: null, value: Buffer.from(`from-${i}`), partition: 0 }],
          offsets: [{ topic: input, partition: i, offset: i + 1 }],
        }),
      ),
    );
    await Promise.all(producers.map((producer) => producer.close()));
    await until('all four are visible', async () => (await readValues(kafka, output, 0)).length === 4);
    expect((await readValues(kafka, output, 0)).sort()).toEqual(ids.map((i) => `from-${i}`));
    const committed = await kafka.admin.committed(groupId, input);
    expect(committed.map((at) => at.offset).sort()).toEqual([1, 2, 3, 4]);
  });
}

/** An input, an output and a changelog topic. */
async function topics(kafka: Kafka): Promise<[string, string, string]> {
  return [await newTopic(kafka, 4), await newTopic(kafka, 2), await newTopic(kafka, 1)];
}
