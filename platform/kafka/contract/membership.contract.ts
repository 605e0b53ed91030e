import { afterEach, expect, it } from 'vitest';
import type { AssignedMember, GroupConsumer, Kafka, TopicPartition } from '../port.ts';
import { byPartition, names, newTopic, randomName, text, until, type Engine } from './harness.contract.ts';

/** What a rebalance promises: who is called when, who owns what, and what becomes of who does not answer. */
export function membershipContract(engine: Engine): void {
  const open: GroupConsumer[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.close()));
  });
  const join = (kafka: Kafka, options: Parameters<Kafka['groupConsumer']>[0]): GroupConsumer => {
    const consumer = kafka.groupConsumer(options);
    open.push(consumer);
    return consumer;
  };
  hooks(engine, join);
  laggards(engine, join);
  claims(engine, join);
  endings(engine, join);
}

type Join = (kafka: Kafka, options: Parameters<Kafka['groupConsumer']>[0]) => GroupConsumer;

const quiet = { onAssigned: async () => undefined, onRevoked: async () => undefined };

async function send(kafka: Kafka, topic: string, partition: number, value: string): Promise<void> {
  const producer = kafka.producer();
  await producer.send([{ topic, partition, key: null, value: Buffer.from(value) }]);
  await producer.close();
}

/** A wait that somebody ends. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let pass: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, open: () => pass() };
}

function hooks(engine: Engine, join: Join): void {
  it('calls revoked before assigned, with the same partitions, and never lets one have two owners', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 4);
    const options = { groupId: randomName('group'), topics: [topic], assign: byPartition };
    const owners = new Map<string, string>();
    const faults: string[] = [];
    const calls = new Map<string, string[][]>();
    const enter = (id: string) => {
      const consumer = join(kafka, options);
      const mine: string[][] = [];
      calls.set(id, mine);
      const started = consumer.start({
        onAssigned: async (partitions) => {
          for (const name of names(partitions)) {
            const owner = owners.get(name);
            if (owner !== undefined) faults.push(`${name} has ${owner} and gets ${id}`);
            owners.set(name, id);
          }
          mine.push(['assigned', ...names(partitions)]);
        },
        onRevoked: async (partitions) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          for (const name of names(partitions)) owners.delete(name);
          mine.push(['revoked', ...names(partitions)]);
        },
      });
      return { consumer, started };
    };
    for (const id of ['first', 'second', 'third']) await enter(id).started;
    await until('all four have an owner', () => new Set(owners.values()).size === 3 && owners.size === 4);
    expect(faults).toEqual([]);
    for (const mine of calls.values()) {
      mine.forEach(([kind, ...partitions], i) => {
        expect(kind).toBe(i % 2 === 0 ? 'assigned' : 'revoked');
        if (kind === 'revoked') expect(partitions).toEqual(mine[i - 1]?.slice(1));
      });
    }
  });

  it('holds records back until onAssigned has ended, also of a partition that was sought early', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    await send(kafka, topic, 0, 'a');
    const consumer = join(kafka, { groupId: randomName('group'), topics: [topic], assign: byPartition });
    const sought = gate();
    const hook = gate();
    const started = consumer.start({
      onAssigned: async () => {
        consumer.seek({ topic, partition: 0, offset: 0 });
        sought.open();
        await hook.passed;
      },
      onRevoked: async () => undefined,
    });
    await sought.passed;
    for (let i = 0; i < 5; i++) expect(await consumer.poll(50)).toEqual([]);
    hook.open();
    await started;
    const seen: (string | null)[] = [];
    while (seen.length === 0)
      for (const batch of await consumer.poll(1_000)) seen.push(...batch.records.map((r) => text(r.value)));
    expect(seen).toEqual(['a']);
  });
}

function laggards(engine: Engine, join: Join): void {
  it.each(['onRevoked', 'onAssigned'] as const)(
    'goes on without a member whose %s does not end in time; it comes back as a new one and missed nothing',
    async (which) => {
      const { kafka } = engine();
      const topic = await newTopic(kafka, 2);
      const options = {
        groupId: randomName('group'),
        topics: [topic],
        assign: byPartition,
        rebalanceTimeoutMs: 1_500,
      };
      const hanging = gate();
      const entered = gate();
      const events: string[] = [];
      const slow = join(kafka, options);
      const slowStarted = slow.start({
        onAssigned: async (partitions) => {
          for (const place of partitions) slow.seek({ ...place, offset: 0 });
          entered.open();
          if (which === 'onAssigned') await hanging.passed;
          events.push(`assigned ${partitions.length}`);
        },
        onRevoked: async (partitions) => {
          if (which === 'onRevoked') await hanging.passed;
          events.push(`revoked ${partitions.length}`);
        },
      });
      await entered.passed;
      if (which === 'onRevoked') await slowStarted;
      const quick = join(kafka, options);
      let owned: readonly TopicPartition[] = [];
      await quick.start({
        onAssigned: async (partitions) => void (owned = partitions),
        onRevoked: async () => void (owned = []),
      });
      await until('the quick member has everything', () => owned.length === 2);
      await send(kafka, topic, 0, 'not for the slow one');
      const stray = (await slow.poll(500)).flatMap((batch) => batch.records);
      expect(stray).toEqual([]);
      hanging.open();
      await until('both have one', () => owned.length === 1 && events.at(-1) === 'assigned 1');
      expect(events).toEqual(['assigned 2', 'revoked 2', 'assigned 1']);
      await slowStarted;
    },
  );
}

function claims(engine: Engine, join: Join): void {
  it('tells the assignment what each member has, so that it can stay there', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 3);
    const asked: (readonly AssignedMember[])[] = [];
    const assign: typeof byPartition = (members, topics) => {
      asked.push(members);
      return byPartition(members, topics);
    };
    const options = { groupId: randomName('group'), topics: [topic], assign };
    await join(kafka, options).start(quiet);
    expect(asked.at(-1)?.map(({ owned }) => names(owned))).toEqual([[]]);
    await join(kafka, options).start(quiet);
    await until('two were asked for', () => asked.at(-1)?.length === 2);
    const [two] = asked.filter((members) => members.length === 2);
    const ids = two?.map(({ memberId }) => memberId) ?? [];
    expect(ids).toEqual([...ids].sort());
    expect(two?.map(({ owned }) => owned.length).sort()).toEqual([0, 3]);
    expect(names(two?.flatMap(({ owned }) => owned) ?? [])).toEqual([0, 1, 2].map((p) => `${topic}/${p}`));
  });
}

function endings(engine: Engine, join: Join): void {
  it('ends a waiting poll when it is closed, rejects later ones, and calls nobody any more', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const options = { groupId: randomName('group'), topics: [topic], assign: byPartition };
    const consumer = join(kafka, options);
    const calls: string[] = [];
    await consumer.start({
      onAssigned: async (partitions) => {
        calls.push('assigned');
        for (const place of partitions) consumer.seek({ ...place, offset: 0 });
      },
      onRevoked: async () => void calls.push('revoked'),
    });
    while ((await consumer.poll(1_000)).length === 0);
    const waiting = consumer.poll(60_000);
    await consumer.close();
    await consumer.close();
    expect(await waiting).toEqual([]);
    await send(kafka, topic, 0, 'after the close');
    await expect(consumer.poll(10)).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: false });
    const next = join(kafka, options);
    await next.start(quiet);
    expect(calls).toEqual(['assigned']);
  });

  it('rejects the start of a member whose topic does not exist', async () => {
    const { kafka } = engine();
    const consumer = join(kafka, {
      groupId: randomName('group'),
      topics: [randomName('missing')],
      assign: byPartition,
    });
    await expect(consumer.start(quiet)).rejects.toMatchObject({ code: 'MR_KAFKA_TOPIC_MISMATCH' });
  });
}
