import type { SimulatedInput } from '../../processors/runtime/simulation/index.ts';
import type { Random } from '../../platform/random.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { eventId, T0, viewOf } from '../harness/shop-events.ts';
import { LAST, POISON, REFUSED, VIEWS } from './proof-job.ts';

export interface InputOptions {
  readonly views: number;
  /** Views come within so many milliseconds. */
  readonly withinMs: number;
  /** On-time events are out of order by less than this. */
  readonly outOfOrderMs: number;
}

const FIRST_MS = 300;

/** Views of a few items by a few devices: some twice, some out of order, some late, some that no step takes, and noise. */
export function proofInput(random: Random, options: InputOptions): readonly SimulatedInput[] {
  const { views, withinMs, outOfOrderMs } = options;
  const sent: ProductViewed[] = [];
  return Array.from({ length: views }, (_, n): SimulatedInput => {
    const atMs = FIRST_MS + Math.round((n / views) * withinMs);
    const device = `device-${random.int(12)}`;
    if (random.chance(0.015)) return { topic: VIEWS, key: device, value: Buffer.from(random.bytes(9)), atMs };
    const earlier = sent[random.int(sent.length + 1)];
    if (earlier !== undefined && random.chance(0.08)) return recordOf(earlier, atMs);
    const behindMs = random.chance(0.15) ? random.int(4000) : random.int(outOfOrderMs);
    const view = viewOf(itemOf(random), Math.max(T0, T0 + atMs - behindMs), {
      eventId: eventId(1_000_000 + n),
      anonymousId: device,
    });
    sent.push(view);
    return recordOf(view, atMs);
  });
}

/** One view for each partition, so much later that everything before it is over. */
export function lastViews(partitions: number, atMs: number): readonly SimulatedInput[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const view = viewOf(LAST, T0 + atMs + 30_000, {
      eventId: eventId(9_000_000 + partition),
      anonymousId: `last-${partition}`,
    });
    return { ...recordOf(view, atMs), partition };
  });
}

function itemOf(random: Random): string {
  if (random.chance(0.02)) return REFUSED;
  return random.chance(0.015) ? POISON : `item-${random.int(4)}`;
}

function recordOf(view: ProductViewed, atMs: number): SimulatedInput {
  return {
    topic: VIEWS,
    key: view.anonymousId,
    value: encodeEvent({ ...view, ingestTime: T0 + atMs }),
    atMs,
  };
}
