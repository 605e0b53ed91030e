import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readAll, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { readPairs, Scratch } from './scratch-log.contract.ts';

const scratch = new Scratch();
/** So small that every run closes, compacts, joins and reads cold segments. */
const tiny = {
  segmentBytes: 2_048,
  compactionSlackBytes: 512,
  hotBytes: 1_024,
  maintenanceIntervalMs: 1,
  fsync: false,
};
const topics = [
  { topic: 'plain', partitions: 2 },
  { topic: 'state', partitions: 1, config: { 'cleanup.policy': 'compact' } },
];

type Step =
  | { readonly kind: 'send' | 'commit'; readonly keys: readonly number[]; readonly size: number }
  | { readonly kind: 'reopen' | 'kill' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: writes('send') },
  { weight: 6, arbitrary: writes('commit') },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' } as const) },
);

function writes(kind: 'send' | 'commit'): fc.Arbitrary<Step> {
  const keys = fc.array(fc.nat(6), { minLength: 1, maxLength: 12 });
  return fc.record({ kind: fc.constant(kind), keys, size: fc.nat(120) });
}

/** What the log should hold. */
class Model {
  readonly plain: [string[], string[]] = [[], []];
  readonly state = new Map<string, string>();
  written = 0;
  transactions = 0;

  records(step: { readonly keys: readonly number[]; readonly size: number }) {
    return step.keys.flatMap((key) => {
      const partition = key % 2 === 0 ? 0 : 1;
      const value = `${++this.written}`.padEnd(step.size, '.');
      this.plain[partition].push(value);
      this.state.set(`k${key}`, value);
      return [
        { topic: 'plain', partition, key: null, value: Buffer.from(value) },
        { topic: 'state', partition: 0, key: `k${key}`, value: Buffer.from(value) },
      ];
    });
  }
}

async function run(
  dir: string,
  steps: readonly Step[],
  model: Model,
): Promise<{ kafka: Kafka; dir: string }> {
  let place = dir;
  let kafka = await scratch.open(place, tiny);
  await kafka.admin.ensureTopics(topics);
  for (const step of steps) {
    if (step.kind === 'send') await kafka.producer().send(model.records(step));
    else if (step.kind === 'commit') {
      const producer = kafka.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
      await producer.init();
      const offsets = [{ topic: 'plain', partition: 0, offset: ++model.transactions }];
      await producer.commit({ records: model.records(step), offsets });
    } else {
      if (step.kind === 'kill') place = scratch.copyOf(place);
      await kafka.close();
      kafka = await scratch.open(place, tiny);
    }
  }
  return { kafka, dir: place };
}

async function check(kafka: Kafka, model: Model, fromFraction: number): Promise<void> {
  for (const partition of [0, 1] as const) {
    const expected = model.plain[partition];
    const fromOffset = Math.floor(expected.length * fromFraction);
    const records = await readAll(kafka, { topic: 'plain', partition, fromOffset });
    expect(records.map((record) => text(record.value))).toEqual(expected.slice(fromOffset));
    expect(records.map((record) => record.offset)).toEqual(records.map((_, i) => fromOffset + i));
  }
  expect(new Map(await readPairs(kafka, 'state'))).toEqual(model.state);
  const committed = await kafka.admin.committed('g', 'plain');
  expect(committed.map((at) => at.offset)).toEqual(model.transactions === 0 ? [] : [model.transactions]);
}

it('holds what a simple model holds, through reopenings, kills, compaction and cold reads', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { maxLength: 60, size: 'max' }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (steps, fromFraction) => {
        const model = new Model();
        const { kafka, dir } = await run(scratch.directory(), steps, model);
        await check(kafka, model, fromFraction);
        await kafka.close();
        const again = await scratch.open(dir, tiny);
        await check(again, model, fromFraction);
        await again.close();
      },
    ),
    { numRuns: 60 },
  );
});
