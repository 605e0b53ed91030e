/**
 * A process for the test of a step that never returns: the embedded log and a runner in one. Arguments: data folder. Of
 * ten records one makes its step loop. Says `ready`, and ends by itself when everything is committed.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../platform/log.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { readStuckRecords, StepWatchdog } from '../../processors/runtime/task/step-watch.ts';
import { MemoryOnlineStore, MemoryRowWriter } from './memory-sinks.ts';

const codec = json<number>();
const RECORDS = 10;
const LOOPS_ON = 4;

function job() {
  const app = topology('stuck');
  app
    .stream('in', { codec })
    .process<number>('loop', (context, emit) => {
      const sum = context.store<number>('sum');
      return (value, meta) => {
        sum.set('all', (sum.get('all') ?? 0) + value);
        for (let spin = 0; value === LOOPS_ON; spin++) if (spin < 0) return;
        emit(sum.get('all') ?? 0, meta);
      };
    })
    .to(toTopic('out'));
  return app.build().subtopologies;
}

async function main(dir: string): Promise<void> {
  const log = silentLogger();
  const file = join(dir, 'stuck-steps.json');
  const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log });
  await kafka.admin.ensureTopics(['in', 'out', 'in.dlq'].map((topic) => ({ topic, partitions: 1 })));
  const [written] = await kafka.admin.offsets('in');
  const producer = kafka.producer();
  if (written?.end === 0)
    for (let value = 0; value < RECORDS; value++)
      await producer.send([{ topic: 'in', key: 'k', value: codec.encode(value), timestampMs: 1000 + value }]);
  const watch = new StepWatchdog({ timeoutMs: 1000, file, topics: ['in'], log });
  const runner = new StreamRunner({
    subtopologies: job(),
    groupId: 'stuck',
    namespace: '',
    kafka,
    rows: new MemoryRowWriter(),
    store: new MemoryOnlineStore(),
    watermark: { outOfOrderMs: 0, idleTimeoutMs: 60_000 },
    commitIntervalMs: 20,
    onlineFlushIntervalMs: 10,
    now: Date.now,
    newId: randomUUID,
    log,
    watch,
    stuck: readStuckRecords(file, log),
  });
  await runner.start();
  while ((await kafka.admin.committed('stuck', 'in'))[0]?.offset !== RECORDS) await sleep(20);
  await runner.stop();
  await watch.close();
  for await (const { records } of kafka.readToEnd({ topic: 'out', partition: 0 }))
    for (const { value } of records) process.stdout.write(`out ${value?.toString() ?? ''}\n`);
  for await (const { records } of kafka.readToEnd({ topic: 'in.dlq', partition: 0 }))
    for (const { headers } of records)
      process.stdout.write(`dlq ${headers['mr-code'] ?? ''} ${headers['mr-origin-offset'] ?? ''}\n`);
  await kafka.close();
}

await main(process.argv[2] ?? '');
