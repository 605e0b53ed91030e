import { randomUUID } from 'node:crypto';
import type { Kafka, ProduceRecord } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import {
  isOneOf,
  toFacts,
  topology,
  type NodeContext,
  type Push,
} from '../../processors/runtime/dsl/index.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import type { StateMemory } from '../../processors/runtime/state/state-memory.ts';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';
import type { Subtopology } from '../../processors/runtime/topology.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';
import { MemoryOnlineStore } from './memory-sinks.ts';
import { eventId, T0, viewOf } from './shop-events.ts';
import { viewRecord, VIEWS } from './view-job.ts';

/** Devices of {@link visitRecords}: one after the other, round after round. */
export const DEVICES = 3000;
/** Of the group and of the sub-topology. */
export const VISITS = 'visits';
/** What the state of the job has of memory, far less than it needs. */
export const STATE_BYTES = 1024 * 1024;
/** Makes the state of a device some kilobytes large. */
const TRAIL = 'a page that was seen, and how one came to it; '.repeat(64);

interface Visits {
  readonly count: number;
  readonly trail: string;
}

interface Visit {
  readonly eventId: string;
  readonly device: string;
  /** Which visit of its device it is, from 1 on: what state that came back only in part gets wrong. */
  readonly nth: number;
}

/** Its state is large, about 9 MB over all tasks, and every fact tells what it was. */
function visitJob(): readonly Subtopology[] {
  const app = topology('visits');
  app
    .events(VIEWS, { subtopology: VISITS, deduplicated: true })
    .filter(isOneOf('ProductViewed'))
    .process<Visit>('count', countVisits)
    .to(toFacts('visits', ({ eventId: id, device, nth }) => ({ event_id: id, device, nth })));
  return app.build().subtopologies;
}

function countVisits(context: NodeContext, emit: Push<Visit>): Push<ProductViewed> {
  const devices = context.store<Visits>('devices');
  return ({ eventId: id, anonymousId: device }, meta) => {
    const nth = (devices.get(device)?.count ?? 0) + 1;
    devices.set(device, { count: nth, trail: `${device} ${TRAIL}` });
    emit({ eventId: id, device, nth }, meta);
  };
}

/** A runner of the visit job alone. */
export function visitRunner(parts: {
  readonly kafka: Kafka;
  readonly rows: RowWriter;
  readonly memory: StateMemory;
}): StreamRunner {
  return new StreamRunner({
    ...{ subtopologies: visitJob(), groupId: VISITS, namespace: '', store: new MemoryOnlineStore() },
    watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
    ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 10, maxPending: 1000 },
    ...{ now: Date.now, newId: randomUUID, log: silentLogger() },
    ...parts,
  });
}

/** The first so many visits, the same each time. */
export function visitRecords(count: number): readonly ProduceRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const device = `device-${n % DEVICES}`;
    return viewRecord(viewOf('item-1', T0 + n, { eventId: eventId(2_000_000 + n), anonymousId: device }));
  });
}
