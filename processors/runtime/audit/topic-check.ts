import type { Kafka } from '../../../platform/kafka/port.ts';
import type { AccountReader } from './account-reader.ts';
import { Digest } from './digest.ts';
import type { AuditCheck, AuditLine, CheckResult, Finding, FindingKind } from './finding.ts';
import { hashRecord, type HashPair } from './hash-pair.ts';
import { mayBeGone, retentionOf, type Retention } from './retention.ts';
import { OUTPUT_SHAPE, RECORDS } from './task-account.ts';

export interface TopicCheckOptions {
  readonly kafka: Kafka;
  readonly accounts: AccountReader;
  /** Topics that tasks alone may write, in the log; those that they have written are checked anyway. */
  readonly topics: readonly string[];
  readonly now: () => number;
}

/** Sums by minute and, where the accounts have no minutes any more, by hour. */
type ByTime = Map<string, TimeSum>;

interface TimeSum {
  readonly startMs: number;
  readonly digest: Digest;
}

/** What an auditor has read of a topic by itself. */
interface Read {
  readonly next: Map<number, number>;
  readonly starts: ReadonlyMap<number, number>;
  /** By index of the minute. */
  readonly minutes: Map<number, Digest>;
}

const NOTHING: ByTime = new Map();
const { size: MINUTE_MS, factor: MINUTES } = OUTPUT_SHAPE;

/**
 * Reads what tasks have said to topics and holds it against the sums of their accounts, by minutes of the log timestamp:
 * what was deleted, what nobody has said, what is there twice. A minute counts only when no account of it changed while
 * the topic was read.
 */
export class TopicCheck implements AuditCheck {
  readonly name = 'topics';
  readonly #options: TopicCheckOptions;
  readonly #read = new Map<string, Read>();

  constructor(options: TopicCheckOptions) {
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
    const { kafka, accounts, now } = this.#options;
    const before = this.#said();
    const existing = new Set(await kafka.admin.topicNames());
    const all = [...new Set([...this.#options.topics, ...before.keys()])].filter((topic) =>
      existing.has(topic),
    );
    const retention = await retentionOf(kafka.admin, all);
    for (const topic of all) await this.#readOn(topic);
    await accounts.refresh();
    const after = this.#said();
    const findings: Finding[] = [];
    const lines: AuditLine[] = [];
    for (const topic of all) {
      const kept = retention.get(topic);
      const read = this.#read.get(topic);
      if (kept === undefined || read === undefined) continue;
      const there = [...read.minutes.values()].reduce((sum, { count }) => sum + count, 0);
      lines.push({
        ...{ store: 'kafka', what: topic, partition: null, there },
        checkedAtMs: now(),
        unproven: kept.isCompacted ? there : 0,
      });
      if (kept.isCompacted) continue;
      const said = { before: before.get(topic) ?? NOTHING, after: after.get(topic) ?? NOTHING };
      findings.push(...(await this.#compare(topic, { kept, read, said })));
    }
    return { findings, lines };
  }

  #said(): Map<string, ByTime> {
    const said = new Map<string, ByTime>();
    for (const task of this.#options.accounts.tasks) {
      for (const [topic, ledger] of task.outputs) {
        const byTime: ByTime = said.get(topic) ?? new Map<string, TimeSum>();
        said.set(topic, byTime);
        for (const { index, isCoarse, digests } of ledger.buckets()) {
          const key = `${isCoarse ? 'h' : 'm'}${index}`;
          const startMs = index * (isCoarse ? MINUTE_MS * MINUTES : MINUTE_MS);
          const sum = byTime.get(key) ?? { startMs, digest: new Digest() };
          byTime.set(key, sum);
          const digest = digests.get(RECORDS);
          if (digest !== undefined) sum.digest.merge(digest);
        }
      }
    }
    for (const [topic, byTime] of said) said.set(topic, coarsened(byTime));
    return said;
  }

  async #readOn(topic: string): Promise<void> {
    const { kafka } = this.#options;
    const ranges = await kafka.admin.offsets(topic);
    const starts = new Map(ranges.map(({ partition, start }) => [partition, start]));
    let read = this.#read.get(topic);
    const hasMoved = ranges.some(
      ({ partition, start, end }) =>
        start !== read?.starts.get(partition) || end < (read.next.get(partition) ?? 0),
    );
    // What has left the log leaves the sums: they are made anew.
    if (read === undefined || hasMoved) read = { next: new Map(), starts, minutes: new Map() };
    this.#read.set(topic, read);
    const hash: HashPair = { a: 0, b: 0 };
    for (const { partition, start, end } of ranges) {
      const fromOffset = Math.max(start, read.next.get(partition) ?? 0);
      read.next.set(partition, fromOffset);
      if (fromOffset >= end) continue;
      for await (const { records, nextOffset } of kafka.readToEnd({ topic, partition, fromOffset })) {
        for (const record of records) {
          hashRecord(record, hash);
          const minute = Math.floor(record.timestampMs / MINUTE_MS);
          const digest = read.minutes.get(minute) ?? new Digest();
          read.minutes.set(minute, digest);
          digest.add(hash);
        }
        read.next.set(partition, nextOffset);
      }
    }
  }

  async #compare(
    topic: string,
    { kept, read, said }: { kept: Retention; read: Read; said: { before: ByTime; after: ByTime } },
  ): Promise<Finding[]> {
    const there = thereByTime(read.minutes, said.after);
    const findings: Finding[] = [];
    const sinceMs = Math.max(0, ...this.#options.accounts.tasks.map(({ mark }) => mark?.sinceMs ?? 0));
    const isCut = [...read.starts.values()].some((start) => start > 0);
    for (const key of new Set([...said.after.keys(), ...there.keys()])) {
      const now = said.after.get(key);
      const expected = now?.digest ?? new Digest();
      const found = there.get(key)?.digest ?? new Digest();
      const startMs = now?.startMs ?? there.get(key)?.startMs ?? 0;
      if (found.equals(expected) || !expected.equals(said.before.get(key)?.digest ?? new Digest())) continue;
      if (startMs < sinceMs) continue;
      if (isCut && mayBeGone(kept, startMs, this.#options.now())) continue;
      findings.push(await this.#finding(topic, { key, startMs, difference: found.minus(expected) }));
    }
    return findings;
  }

  async #finding(
    topic: string,
    { key, startMs, difference }: { key: string; startMs: number; difference: Digest },
  ): Promise<Finding> {
    const lengthMs = key.startsWith('h') ? MINUTE_MS * MINUTES : MINUTE_MS;
    const time = `log time ${new Date(startMs).toISOString()} and ${lengthMs / 1000} s on`;
    const { count } = difference;
    const base = { store: 'kafka' as const, what: topic, count: Math.abs(count) || 1 };
    if (count <= 0) {
      const kind: FindingKind = count < 0 ? 'gap' : 'altered';
      const reason =
        count < 0
          ? 'tasks have said more than is there, and retention keeps it longer'
          : 'what is there is not what tasks have said';
      return { ...base, kind, partition: null, place: time, reason };
    }
    const extra = await this.#extra(topic, { startMs, endMs: startMs + lengthMs, difference });
    return {
      ...base,
      kind: extra?.isCopy === true ? 'duplicate' : 'foreign',
      partition: extra?.partition ?? null,
      place: extra === undefined ? time : `offset ${extra.offset}`,
      reason: `no task has said ${count === 1 ? 'it' : 'them'}: another writer has put ${count} record(s) there`,
    };
  }

  /** The one record too many: the difference of the digests is its hash. */
  async #extra(
    topic: string,
    range: { readonly startMs: number; readonly endMs: number; readonly difference: Digest },
  ): Promise<{ partition: number; offset: number; isCopy: boolean } | undefined> {
    const hash: HashPair = { a: 0, b: 0 };
    const contents = new Map<string, number>();
    let extra: { partition: number; offset: number; content: string } | undefined;
    for (const [partition, fromOffset] of this.#read.get(topic)?.starts ?? []) {
      for await (const { records } of this.#options.kafka.readToEnd({ topic, partition, fromOffset })) {
        for (const record of records) {
          hashRecord({ ...record, timestampMs: 0 }, hash);
          const content = `${hash.a}.${hash.b}`;
          contents.set(content, (contents.get(content) ?? 0) + 1);
          hashRecord(record, hash);
          const isInRange = record.timestampMs >= range.startMs && record.timestampMs < range.endMs;
          if (isInRange && range.difference.count === 1 && range.difference.isOf(hash))
            extra = { partition, offset: record.offset, content };
        }
      }
    }
    if (extra === undefined) return undefined;
    const { partition, offset, content } = extra;
    return { partition, offset, isCopy: (contents.get(content) ?? 0) > 1 };
  }
}

/** Minutes of an hour of which one task has only the whole are put together. */
function coarsened(byTime: ByTime): ByTime {
  const result: ByTime = new Map([...byTime].filter(([key]) => key.startsWith('h')));
  for (const [key, minute] of byTime) {
    if (key.startsWith('h')) continue;
    const hour = result.get(`h${Math.floor(Number(key.slice(1)) / MINUTES)}`);
    if (hour === undefined) result.set(key, minute);
    else hour.digest.merge(minute.digest);
  }
  return result;
}

/** What was read, by the minutes and hours of the accounts. */
function thereByTime(minutes: ReadonlyMap<number, Digest>, said: ByTime): ByTime {
  const result: ByTime = new Map();
  for (const [minute, digest] of minutes) {
    const hour = Math.floor(minute / MINUTES);
    const isHour = said.has(`h${hour}`);
    const key = isHour ? `h${hour}` : `m${minute}`;
    const startMs = isHour ? hour * MINUTES * MINUTE_MS : minute * MINUTE_MS;
    const sum = result.get(key) ?? { startMs, digest: new Digest() };
    result.set(key, sum);
    sum.digest.merge(digest);
  }
  return result;
}
