import type { Kafka, TopicPartition } from '../../../platform/kafka/port.ts';
import type { SavedTime } from '../time/marks.ts';

/** Key of the last record of each commit. */
export const META_KEY = 'meta';
/** Records looked at first, from the end on; then so many times more. */
const FIRST_LOOK = 64;
const LOOK_FACTOR = 16;

/** What a commit says of its task besides the entries. */
export interface CommitMeta extends SavedTime {
  /** Next offset to read of each input, by contract topic. */
  readonly positions: Readonly<Record<string, number>>;
  /** Version of the newest write to the online store that the commit stands for; 0 where there was none. */
  readonly onlineVersion: number;
}

export interface StoredLayout {
  readonly version: number;
  readonly layout: string;
  readonly entries: number;
}

export interface TaskMeta extends CommitMeta {
  readonly taskEpoch: number;
  /** Of each store that was declared; undefined in state from before this was written. */
  readonly stores: Readonly<Record<string, StoredLayout>> | undefined;
}

/** Of a task that has never committed. */
export const NO_META: TaskMeta = {
  taskEpoch: 0,
  watermarkMs: Number.NEGATIVE_INFINITY,
  scopes: {},
  events: {},
  upstream: {},
  positions: {},
  onlineVersion: 0,
  stores: {},
};

/** -Infinity is no JSON. */
type MetaJson = Partial<Omit<TaskMeta, 'watermarkMs'>> & { readonly watermarkMs?: number | null };

export function encodeMeta(meta: TaskMeta): Buffer {
  const watermarkMs = Number.isFinite(meta.watermarkMs) ? meta.watermarkMs : null;
  return Buffer.from(JSON.stringify({ ...meta, watermarkMs } satisfies MetaJson));
}

export function decodeMeta(value: Buffer): TaskMeta {
  const meta = JSON.parse(value.toString('utf8')) as MetaJson;
  return {
    taskEpoch: meta.taskEpoch ?? 0,
    watermarkMs: meta.watermarkMs ?? Number.NEGATIVE_INFINITY,
    scopes: meta.scopes ?? {},
    events: meta.events ?? {},
    upstream: meta.upstream ?? {},
    positions: meta.positions ?? {},
    onlineVersion: meta.onlineVersion ?? 0,
    stores: meta.stores,
  };
}

export function isMeta(key: Buffer | null): boolean {
  return key?.length === META_KEY.length && key.toString('latin1') === META_KEY;
}

/**
 * The last meta of a range of a changelog, found from its end: it is the last record of a commit, but control records
 * and aborted transactions may follow.
 */
export async function lastMeta(
  kafka: Pick<Kafka, 'readToEnd'>,
  changelog: TopicPartition,
  range: { readonly from: number; readonly end: number },
): Promise<TaskMeta | undefined> {
  let until = range.end;
  for (let look = FIRST_LOOK; until > range.from; look *= LOOK_FACTOR) {
    const fromOffset = Math.max(range.from, range.end - look);
    let meta: Buffer | undefined;
    for await (const batch of kafka.readToEnd({ ...changelog, fromOffset })) {
      for (const { key, value } of batch.records) if (value !== null && isMeta(key)) meta = value;
      if (batch.nextOffset >= until) break;
    }
    if (meta !== undefined) return decodeMeta(meta);
    until = fromOffset;
  }
  return undefined;
}
