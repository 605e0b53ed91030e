import { MillraceError } from '../../../platform/errors.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { readHead } from '../task/read-head.ts';
import type { Decision, Explained, InputRecord, Processor } from '../topology.ts';
import type { Cause, Evidence } from './evidence.ts';
import { ReplayContext } from './replay-context.ts';

/** An entry of the state that the step has seen. Null where there is none. */
export interface StateDifference {
  readonly store: string;
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What became of a decision that was taken again. */
export interface Replay {
  /** Undefined where nothing was decided this time. */
  readonly decision: Decision | undefined;
  /** Every entry that was recorded, and those that the step has written. */
  readonly state: readonly StateDifference[];
  /** The value of the record that caused it; undefined where time did. */
  readonly value: unknown;
}

type RecordCause = Cause & { readonly kind: 'record' };

/**
 * Takes a decision again: the step through the real processor, from what is recorded of it and nothing else.
 * @throws MillraceError MR_EXPLAIN_STATE_CHANGED, MR_EXPLAIN_STEP_GONE
 */
export function replay(evidence: Evidence, { part }: Pick<Explained, 'part'>): Replay {
  const { cause } = evidence;
  const task = new ReplayContext(evidence);
  const processor = part.create(task.context());
  task.seed();
  const before = entriesOf(task);
  const value = cause.kind === 'record' ? takeRecord(evidence, cause, { processor, part }) : undefined;
  if (cause.kind !== 'record') passTime(evidence, cause, task);
  const decision = task.decisions.findLast(({ id }) => id === evidence.id);
  return { decision, state: differences(before, entriesOf(task)), value };
}

function takeRecord(
  evidence: Evidence,
  cause: RecordCause,
  { processor, part }: { readonly processor: Processor; readonly part: Explained['part'] },
): unknown {
  const input = part.inputs.find(({ topic }) => topic === cause.topic);
  if (input === undefined)
    throw new MillraceError(
      'MR_EXPLAIN_STEP_GONE',
      `nothing that is decided in ${evidence.subtopology} reads ${cause.topic} any more; ${evidence.job.application} ${evidence.job.version} has decided it`,
    );
  const record = recordOf(cause);
  const head = readHead(record, input);
  if (head.kind !== 'value')
    throw new MillraceError(
      'MR_EXPLAIN_EVIDENCE_INVALID',
      `the record of the evidence cannot be read${head.kind === 'fault' ? `: ${head.reason}` : ''}`,
    );
  const { topic, partition, offset, timestampMs } = cause;
  const { value, eventTimeMs } = head;
  const given: InputRecord<unknown> = {
    ...{ topic, partition, offset, eventTimeMs, value },
    key: record.key?.toString('utf8') ?? null,
    ingestTimeMs: timestampMs,
  };
  processor.process(given as InputRecord<never>);
  return value;
}

function passTime({ decidedAtMs }: Evidence, cause: Exclude<Cause, RecordCause>, task: ReplayContext): void {
  task.move();
  for (const { part, scope } of task.parts) {
    if (task.isOver) return;
    task.turn();
    if (cause.by === 'advance') part.advance?.(task.watermarkMs(scope), cause.reason);
    else if (cause.by === 'commit') part.beforeCommit?.();
    else part.tick?.(cause.kind === 'timer' ? Math.max(cause.dueMs, decidedAtMs) : decidedAtMs);
  }
}

/** The record of a cause as it was in the log. */
export function recordOf({ offset, timestampMs, key, value, headers }: RecordCause): LogRecord {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  return { offset, timestampMs, headers, key: bytes(key), value: bytes(value) };
}

/** By store and key, as they are now: values may be changed in place. */
function entriesOf({
  stores,
}: ReplayContext): Map<string, Omit<StateDifference, 'before' | 'after'> & { value: unknown }> {
  const found = new Map<string, { store: string; key: string; value: unknown }>();
  for (const [store, entries] of stores)
    for (const [key, value] of entries.entries())
      found.set(`${store}/${key}`, { store, key, value: structuredClone(value) });
  return found;
}

function differences(
  before: ReturnType<typeof entriesOf>,
  after: ReturnType<typeof entriesOf>,
): readonly StateDifference[] {
  return [...new Map([...before, ...after])].map(([id, { store, key }]) => ({
    ...{ store, key },
    before: before.get(id)?.value ?? null,
    after: after.get(id)?.value ?? null,
  }));
}
