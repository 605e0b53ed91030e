import type { PartitionRange } from '../../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { namespaced } from '../../../schemas/topics.ts';
import type { Input, Subtopology } from '../topology.ts';
import { inputRange, type AccountReader, type TaskView } from './account-reader.ts';
import type { Bucket, BucketLedger } from './bucket-ledger.ts';
import { Digest } from './digest.ts';
import type { AuditCheck, AuditLine, CheckResult, Finding, InputCounts } from './finding.ts';
import { readInput } from './input-log.ts';
import { mayBeGone, retentionOf, type Retention } from './retention.ts';
import { factTableOf, INPUT_SHAPE } from './task-account.ts';

export interface InputCheckOptions {
  readonly kafka: Kafka;
  readonly namespace: string;
  readonly subtopologies: readonly Subtopology[];
  readonly accounts: AccountReader;
  readonly now: () => number;
  /** Offsets that the first look reads back at most, for each partition. */
  readonly maxBacklog: number;
}

/** What an auditor has read of a partition by itself. */
interface Read {
  /** Offsets that it covers. */
  readonly from: number;
  next: number;
  /** By index of the fine bucket. */
  readonly digests: Map<number, Digest>;
  checkedAtMs: number;
}

/** An input of a task, with what must hold of it. */
interface Place {
  readonly task: TaskView;
  readonly input: Input;
  /** In the log. */
  readonly name: string;
  readonly ledger: BucketLedger;
  readonly start: number;
  readonly end: number;
  readonly retention: Retention;
}

/**
 * Reads the inputs once more and holds them against what their tasks say they have read, bucket by bucket: a record that
 * was passed over or counted twice, or one that is gone from the log though retention keeps it.
 */
export class InputCheck implements AuditCheck {
  readonly name = 'inputs';
  readonly #options: InputCheckOptions;
  readonly #read = new Map<string, Read>();

  constructor(options: InputCheckOptions) {
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
    const findings: Finding[] = [];
    const lines: AuditLine[] = [];
    for (const place of await this.#places()) {
      const read = await this.#readOn(place);
      if (place.end < read.next) findings.push(shortened(place));
      else findings.push(...this.#deleted(place), ...this.#compare(place, read));
      lines.push(lineOf(place, read));
    }
    return { findings, lines };
  }

  async #places(): Promise<Place[]> {
    const { kafka, namespace, subtopologies, accounts } = this.#options;
    const names = subtopologies.flatMap(({ inputs }) =>
      inputs.map(({ topic }) => namespaced(namespace, topic)),
    );
    const retention = await retentionOf(kafka.admin, names);
    const ranges = new Map<string, PartitionRange>();
    for (const name of await this.#existing(names))
      for (const range of await kafka.admin.offsets(name)) ranges.set(`${name}/${range.partition}`, range);
    return accounts.tasks.flatMap((task) => {
      const { inputs = [] } = subtopologies.find(({ name }) => name === task.subtopology) ?? {};
      return inputs.flatMap((input) => {
        const name = namespaced(namespace, input.topic);
        const ledger = task.inputs.get(input.topic);
        const { start, end } = ranges.get(`${name}/${task.partition}`) ?? { start: 0, end: 0 };
        const kept = retention.get(name);
        if (ledger === undefined || kept === undefined) return [];
        return [{ task, input, name, ledger, start, end, retention: kept }];
      });
    });
  }

  async #existing(names: readonly string[]): Promise<readonly string[]> {
    const there = new Set(await this.#options.kafka.admin.topicNames());
    return names.filter((name) => there.has(name));
  }

  async #readOn(place: Place): Promise<Read> {
    const { kafka, maxBacklog, now } = this.#options;
    const { task, name, ledger } = place;
    const { from, to } = inputRange(ledger);
    const key = `${name}/${task.partition}`;
    let read = this.#read.get(key);
    // A task that began anew says less than what was read.
    if (read === undefined || read.next > to) {
      const first = Math.max(from, place.start, to - maxBacklog);
      read = { from: first, next: first, digests: new Map(), checkedAtMs: 0 };
      this.#read.set(key, read);
    }
    const range = { from: Math.max(read.next, place.start), to: Math.min(to, place.end) };
    const at = { name, input: place.input, partition: task.partition };
    for await (const { record, id } of readInput(kafka, at, range)) {
      const index = Math.floor(record.offset / INPUT_SHAPE.size);
      const digest = read.digests.get(index) ?? new Digest();
      read.digests.set(index, digest);
      digest.add(id);
    }
    read.next = to;
    read.checkedAtMs = now();
    return read;
  }

  /** What is gone from the beginning of the log, and nothing explains it. */
  #deleted({ task, name, ledger, start, retention }: Place): Finding[] {
    const nowMs = this.#options.now();
    if (retention.isCompacted) return [];
    const gone = ledger.buckets().filter(({ from, to, firstMs, lastMs }) => {
      if (from >= start) return false;
      return !mayBeGone(retention, start >= to ? lastMs : firstMs, nowMs);
    });
    if (gone.length === 0) return [];
    const first = Math.min(...gone.map(({ from }) => from));
    const behind = Math.min(start, Math.max(...gone.map(({ to }) => to)));
    return [
      {
        ...{ store: 'kafka', kind: 'gap', what: name, partition: task.partition },
        count: sum(gone.filter(({ to }) => to <= start).map((bucket) => readOf(bucket).count)) || 1,
        place: `offsets ${first} to ${behind - 1}`,
        reason: 'records that were read are gone from the log, and its retention keeps them longer',
      },
    ];
  }

  #compare({ task, name, ledger, retention, start }: Place, read: Read): Finding[] {
    if (retention.isCompacted) return []; // what was overwritten may be gone
    return ledger.buckets().flatMap((bucket) => {
      // Deletions since are told by the beginning of the log; what was read here stays compared.
      if (bucket.from < read.from || (bucket.from < start && read.checkedAtMs === 0)) return [];
      const said = readOf(bucket);
      const there = sumOf(read.digests, bucket);
      if (said.equals(there)) return [];
      const missing = there.count - said.count;
      return [
        {
          ...{ store: 'kafka', what: name, partition: task.partition },
          kind: missing > 0 ? 'gap' : missing < 0 ? 'duplicate' : 'altered',
          count: Math.abs(missing) || 1,
          place: `offsets ${bucket.from} to ${bucket.to - 1}`,
          reason: `the log holds ${there.count} records there, and the task ${task.subtopology}-${task.partition} has counted ${said.count}`,
        } satisfies Finding,
      ];
    });
  }
}

/** A log that ends before what was read was deleted and made anew, or has lost its end. */
function shortened({ task, name, end, ledger }: Place): Finding {
  const { to } = inputRange(ledger);
  return {
    ...{ store: 'kafka', kind: 'gap', what: name, partition: task.partition, count: to - end },
    place: `offsets ${end} to ${to - 1}`,
    reason: 'the log ends before what was read: the topic was made anew, or its end is lost',
  };
}

function sumOf(digests: ReadonlyMap<number, Digest>, { index, isCoarse }: Bucket): Digest {
  const all = new Digest();
  const { factor } = INPUT_SHAPE;
  const [first, count] = isCoarse ? [index * factor, factor] : [index, 1];
  for (let at = first; at < first + count; at++) {
    const digest = digests.get(at);
    if (digest !== undefined) all.merge(digest);
  }
  return all;
}

/** All that was read of a bucket, over its outcomes. */
export function readOf({ digests }: Pick<Bucket, 'digests'>): Digest {
  const all = new Digest();
  for (const [name, digest] of digests) if (factTableOf(name) === undefined) all.merge(digest);
  return all;
}

function lineOf({ task, name, ledger }: Place, read: Read): AuditLine {
  const totals = new Map<string, number>();
  for (const { digests } of ledger.buckets())
    for (const [outcome, { count }] of digests) totals.set(outcome, (totals.get(outcome) ?? 0) + count);
  const of = (outcome: string) => totals.get(outcome) ?? 0;
  const facts = sum([...totals].filter(([outcome]) => factTableOf(outcome) !== undefined).map(([, n]) => n));
  const dead = of('dead-letter');
  const rest = {
    dropped: of('dropped'),
    duplicates: of('duplicate'),
    late: of('late'),
    redirected: of('redirected'),
  };
  const marks = of('mark');
  const input: InputCounts = { read: sum([...totals.values()]) - facts, facts, ...rest, dead, marks };
  return {
    ...{ store: 'kafka', what: name, partition: task.partition },
    there: sum([...read.digests.values()].map(({ count }) => count)),
    checkedAtMs: read.checkedAtMs,
    unproven: input.read - sum([...read.digests.values()].map(({ count }) => count)),
    input,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
