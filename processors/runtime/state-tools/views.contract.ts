/** What the tests of the state tools run on: the views job with a runner, sinks in memory and any log. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { namespaced } from '../../../schemas/topics.ts';
import type { ProductViewed } from '../../../schemas/generated/events.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import {
  countViews,
  latestCounts,
  viewJob,
  viewRecord,
  VIEWS,
  viewTopics,
} from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { StreamRunner } from '../run/runner.ts';
import { lastMeta } from '../state/task-meta.ts';
import { changelogPlace, channelsOf, type Application } from './application.ts';

export const PARTITIONS = 4;
const HOUR_MS = 3_600_000;

export interface Views {
  readonly kafka: Kafka;
  readonly application: Application;
  readonly rows: MemoryRowWriter;
  run(): Promise<StreamRunner>;
  publish(events: readonly ProductViewed[]): Promise<void>;
  /** Resolves when the runner has committed everything that is in the topics. */
  allCommitted(): Promise<void>;
  /** Epoch by task. */
  epochs(): Promise<ReadonlyMap<string, number>>;
}

/** An embedded log that ends with the test. */
export async function embeddedViews(): Promise<Views> {
  const kafka = await openEmbeddedLog({ dir: await temporaryDir(), log: silentLogger(), fsync: false });
  return viewsOn(kafka, { namespace: '', commitIntervalMs: 20, isClosedHere: true });
}

export interface ViewsOptions {
  readonly namespace: string;
  readonly commitIntervalMs: number;
  /** Whether the log ends with the test. */
  readonly isClosedHere: boolean;
}

/** The views job in a namespace of a log. Its runners end with the test. */
export async function viewsOn(kafka: Kafka, options: ViewsOptions): Promise<Views> {
  const { namespace, commitIntervalMs, isClosedHere } = options;
  const groupId = namespaced(namespace, 'views');
  const application: Application = { name: 'views', groupId, namespace, subtopologies: viewJob(0) };
  const nameOf = (topic: string) => namespaced(namespace, topic);
  // The events of the tests are older than what a broker keeps.
  const config = { 'retention.ms': '-1' };
  await kafka.admin.ensureTopics(
    viewTopics(PARTITIONS).map((spec) => ({ ...spec, topic: nameOf(spec.topic), config })),
  );
  const rows = new MemoryRowWriter();
  const running: StreamRunner[] = [];
  const producer = kafka.producer();
  onTestFinished(async () => {
    await Promise.all(running.map((runner) => runner.stop()));
    if (isClosedHere) await kafka.close();
  });
  /** Up to the ends that it has now: tasks tell each other of the time in channels, and never stop. */
  const untilRead = async (topic: string) => {
    const ends = await kafka.admin.offsets(topic);
    const isRead = async () => {
      const committed = await kafka.admin.committed(groupId, topic);
      return ends.every(
        ({ partition, end }) => (committed.find((o) => o.partition === partition)?.offset ?? 0) >= end,
      );
    };
    await waitUntil(isRead, { timeoutMs: 60_000, what: `${topic} committed` });
  };
  return {
    kafka,
    application,
    rows,
    async run() {
      const runner = new StreamRunner({
        ...{ subtopologies: application.subtopologies, groupId, namespace, kafka, rows },
        store: new MemoryOnlineStore(),
        watermark: { outOfOrderMs: HOUR_MS, idleTimeoutMs: 60_000 },
        ...{ commitIntervalMs, onlineFlushIntervalMs: 5, now: Date.now, newId: randomUUID },
        log: silentLogger(),
      });
      running.push(runner);
      await runner.start().catch(async (error: unknown) => {
        await runner.stop();
        throw error;
      });
      return runner;
    },
    publish: async (events) => {
      await producer.send(events.map((event) => ({ ...viewRecord(event), topic: nameOf(VIEWS) })));
    },
    allCommitted: async () => {
      await untilRead(nameOf(VIEWS));
      for (const { name } of channelsOf(application)) await untilRead(name);
    },
    epochs: () => epochsOf(kafka, application),
  };
}

/** Both tables of windows against the truth. */
export function expectExact({ rows }: Views, events: readonly ProductViewed[]): void {
  expect(latestCounts(rows.rows('item_minute'))).toEqual(countViews(events, (event) => event.itemId));
  expect(latestCounts(rows.rows('device_minute'))).toEqual(countViews(events, (event) => event.anonymousId));
}

async function epochsOf(kafka: Kafka, application: Application): Promise<ReadonlyMap<string, number>> {
  const epochs = new Map<string, number>();
  for (const { name: subtopology } of application.subtopologies) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const place = changelogPlace(application, { subtopology, partition });
      const [range] = (await kafka.admin.offsets(place.topic)).filter((one) => one.partition === partition);
      const meta = await lastMeta(kafka, place, { from: range?.start ?? 0, end: range?.end ?? 0 });
      epochs.set(`${subtopology}-${partition}`, meta?.taskEpoch ?? 0);
    }
  }
  return epochs;
}
