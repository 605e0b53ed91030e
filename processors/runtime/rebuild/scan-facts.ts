import type { Kafka } from '../../../platform/kafka/port.ts';
import { Digest } from '../audit/digest.ts';
import type { FactPart } from '../audit/fact-parts.ts';
import type { FactRange, FactTable } from '../audit/fact-table.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { contentOf, remake, type FactMapping } from '../audit/remade-facts.ts';
import { DuplicateFilter } from '../task/duplicate-filter.ts';
import { parseUuid } from '../task/event-id-set.ts';
import { MAX_REMEMBERED_IDS, REMEMBERED_MS } from '../state/task-state.ts';
import { chooseFacts, type Candidate, type Choice } from './choose-facts.ts';
import type { DeadOrigins } from './dead-origins.ts';

/** A record as a fact of a bucket, if it is one. */
interface Scanned {
  readonly offset: number;
  readonly id: HashPair;
  readonly content: HashPair;
  readonly isRepeated: boolean;
}

/** What a bucket must hold, as far as the log still has its records. */
export interface ExpectedFacts extends Choice {
  /** The part of the bucket that the log still has. */
  readonly range: FactRange;
  /** Of the rows of the facts in it. */
  readonly ids: Digest;
  readonly content: Digest;
  readonly contents: ReadonlyMap<number, HashPair>;
  /** What the table has of the part that has left the log. */
  readonly gone: Digest;
}

export interface FactScanOptions {
  readonly kafka: Kafka;
  readonly mapping: FactMapping;
  readonly dead: DeadOrigins;
}

/**
 * Goes through one partition of an input in the order of the log, as its task did, and tells which records are facts.
 * EventIds are remembered as the task does; of a bucket, its hashes are in memory.
 */
export class FactScan {
  readonly #table: FactTable;
  readonly #options: FactScanOptions;
  readonly #seen = new DuplicateFilter({ horizonMs: REMEMBERED_MS, maxIds: MAX_REMEMBERED_IDS });
  readonly #uuid = new Uint32Array(4);

  constructor(table: FactTable, options: FactScanOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** The next bucket of the partition; they must come in their order. */
  async expect(part: FactPart): Promise<ExpectedFacts> {
    const range = await this.#readable(part.range);
    const before = { ...part.range, to: range.from };
    const gone = before.to > before.from ? (await this.#table.sum(before)).ids : new Digest();
    const scanned = await this.#scan(part, range);
    const said = part.said.minus(gone);
    const choice = sumIds(scanned).equals(said)
      ? { facts: new Set(scanned.map(({ offset }) => offset)), isProven: true }
      : chooseFacts(await this.#candidates(scanned, range), said);
    const facts = scanned.filter(({ offset }) => choice.facts.has(offset));
    const content = new Digest();
    for (const fact of facts) content.add(fact.content);
    const contents = new Map(facts.map((fact) => [fact.offset, fact.content]));
    return { ...choice, range, ids: sumIds(facts), content, contents, gone };
  }

  async #readable(range: FactRange): Promise<FactRange> {
    const partitions = await this.#options.kafka.admin.offsets(range.topic);
    const log = partitions.find(({ partition }) => partition === range.partition);
    return { ...range, from: Math.max(range.from, Math.min(range.to, log?.start ?? range.to)) };
  }

  async #scan({ input }: FactPart, range: FactRange): Promise<Scanned[]> {
    const { kafka, mapping } = this.#options;
    const scanned: Scanned[] = [];
    for await (const { offset, id, row, eventId, ingestTimeMs } of remake(kafka, { mapping, input, range })) {
      const isKnown = parseUuid(eventId, this.#uuid);
      const isRepeated = isKnown && this.#seen.has(this.#uuid);
      if (isKnown && !isRepeated) this.#seen.add(this.#uuid, ingestTimeMs);
      scanned.push({ offset, id, content: contentOf(row, this.#table.columns), isRepeated });
    }
    this.#seen.takeChanges(); // nothing is kept of them; what is beyond the horizon goes
    return scanned;
  }

  async #candidates(scanned: readonly Scanned[], range: FactRange): Promise<readonly Candidate[]> {
    const dead = await this.#options.dead.of(range.topic, range.partition);
    const there = new Map(
      (await this.#table.rows(range)).filter(({ ordinal }) => ordinal === 0).map((row) => [row.offset, row]),
    );
    return scanned.map(({ offset, id, content, isRepeated }) => {
      const row = there.get(offset)?.content;
      const isThere = row?.a === content.a && row.b === content.b;
      return { offset, id, isRepeated, isDead: dead.has(offset), isThere };
    });
  }
}

function sumIds(scanned: readonly Scanned[]): Digest {
  const digest = new Digest();
  for (const { id } of scanned) digest.add(id);
  return digest;
}
