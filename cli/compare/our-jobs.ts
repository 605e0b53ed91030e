import { count, max, min, sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type Stream, type Topology } from '../../processors/runtime/dsl/index.ts';
import {
  hopping,
  onUpdate,
  session,
  tumbling,
  type WindowResult,
  type WindowSpec,
} from '../../processors/runtime/windows/index.ts';
import { compareTopics, JOB_TIMES, type CompareJob } from './jobs.ts';

/** Value of an input record, as both engines read it. */
interface Event {
  /** Event time, epoch ms. */
  readonly t: number;
  readonly v: number;
  readonly id: string;
}

/** A row of the output: key and value as JSON, null where it no longer holds. */
interface OutputRow {
  readonly key: object;
  readonly value: object | null;
}

const { windowMs, advanceMs, graceMs, sessionGapMs, joinDistanceMs } = JOB_TIMES;
const source = { codec: json<Event>(), eventTimeOf: ({ t }: Event) => t };

/** The topology of a job; it writes what the job of the same name in Jobs.java writes. */
export function ourJob(job: CompareJob, prefix: string): Topology {
  const app = topology('compare');
  const topics = compareTopics(prefix);
  const left = () => app.stream(topics.left, { ...source, subtopology: 'compare' });
  const right = () => app.stream(topics.right, { ...source, subtopology: 'compare' });
  rowsOf(job, left, right)
    .keyBy(({ key }) => JSON.stringify(key))
    .map(({ value }) => value)
    .to(toTopic(topics.ours(job)));
  return app.build();
}

function rowsOf(job: CompareJob, left: () => Stream<Event>, right: () => Stream<Event>): Stream<OutputRow> {
  switch (job) {
    case 'tumbling':
      return windowRows(left(), tumbling({ sizeMs: windowMs, graceMs }));
    case 'hopping':
      return windowRows(left(), hopping({ sizeMs: windowMs, slideMs: advanceMs, graceMs }));
    case 'session':
      return windowRows(left(), session({ gapMs: sessionGapMs, graceMs }));
    case 'join-inner':
      return keyed(left().join(right(), { name: 'pairs', ...within, with: pair }));
    case 'join-left':
      return keyed(left().join(right(), { name: 'pairs', kind: 'left', ...within, with: pair }));
    case 'join-outer':
      return keyed(left().join(right(), { name: 'pairs', kind: 'outer', ...within, with: pair }));
    case 'stream-table':
      return keyed(left().joinTable(right().toTable('rights'), { name: 'latest', kind: 'left', with: pair }));
    case 'table-table':
      return left()
        .toTable('lefts')
        .join(right().toTable('rights'), { name: 'both', kind: 'outer', with: pair })
        .toStream()
        .map((row, { key }) => ({ key: { key }, value: row }));
  }
}

const within = { beforeMs: joinDistanceMs, afterMs: joinDistanceMs, graceMs };

function windowRows(events: Stream<Event>, window: WindowSpec): Stream<OutputRow> {
  const v = ({ v: value }: Event) => value;
  return events
    .window(window)
    .aggregate('windows', { count: count(), sum: sum(v), min: min(v), max: max(v) }, onUpdate())
    .map((result: WindowResult<object>) => ({
      key: { key: result.key, start: result.windowStartMs, end: result.windowEndMs },
      value: result.reason === 'retraction' ? null : result.value,
    }));
}

interface Pair {
  readonly left: string | null;
  readonly right: string | null;
  readonly sum: number;
}

function pair(left: Event | undefined, right: Event | undefined): Pair {
  return { left: left?.id ?? null, right: right?.id ?? null, sum: (left?.v ?? 0) + (right?.v ?? 0) };
}

function keyed(pairs: Stream<Pair>): Stream<OutputRow> {
  return pairs.map(({ left, right, sum: total }, { key }) => ({
    key: { key, left, right },
    value: { sum: total },
  }));
}
