import type { ClickHouse } from '../../../platform/clickhouse/port.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { FACT_TABLES, FACT_TTL_DAYS } from '../../../schemas/tables.ts';
import type { Subtopology } from '../topology.ts';
import type { AccountReader } from './account-reader.ts';
import { Digest } from './digest.ts';
import { factParts, factsOf, sumOf, type FactPart } from './fact-parts.ts';
import { compareRows } from './fact-rows.ts';
import { columnsOf, FactTable, type FactRange } from './fact-table.ts';
import type { AuditCheck, AuditLine, CheckResult, Finding } from './finding.ts';
import type { FactMapping } from './remade-facts.ts';
import { INPUT_SHAPE } from './task-account.ts';

export interface FactCheckOptions {
  readonly clickhouse: ClickHouse;
  readonly kafka: Kafka;
  readonly namespace: string;
  readonly subtopologies: readonly Subtopology[];
  readonly accounts: AccountReader;
  /** How a record becomes a row, by table and contract topic: to make it anew. */
  readonly mappings: readonly FactMapping[];
  readonly now: () => number;
  /** Rows that one pass reads of a table at most, and offsets that it makes anew from the log. */
  readonly maxRows: number;
  readonly maxRemade: number;
  /** Only this table. */
  readonly table?: string;
}

/** When a part was checked last, and what ClickHouse said of its rows when their content was proven. */
interface Known {
  atMs: number;
  count: number;
  content: Digest | undefined;
  isProven: boolean;
}

const TTL_MS = (FACT_TTL_DAYS - 1) * 86_400_000;

/**
 * Holds fact tables against the accounts: count and eventIds of each bucket must be those that the task made. The content
 * is made anew from the log once for each bucket and compared row by row; from then on ClickHouse's own checksum of the
 * bucket must stay the same.
 */
export class FactCheck implements AuditCheck {
  readonly name = 'facts';
  readonly #options: FactCheckOptions;
  readonly #known = new Map<string, Known>();
  readonly #tables = new Map<string, FactTable>();
  /** Places of the parts that the last run looked at, by table. */
  readonly #chosen = new Map<string, ReadonlySet<string>>();

  constructor(options: FactCheckOptions) {
    this.#options = options;
  }

  async run({ isAgain }: { readonly isAgain: boolean }): Promise<CheckResult> {
    const findings: Finding[] = [];
    const lines: AuditLine[] = [];
    for (const name of FACT_TABLES) {
      if (this.#options.table !== undefined && this.#options.table !== name) continue;
      const table = await this.#table(name);
      const parts = factParts(name, { ...this.#options, oldestMs: this.#options.now() - TTL_MS });
      const chosen = isAgain ? this.#chosenAgain(name, parts) : this.#choose(table, parts);
      this.#chosen.set(name, new Set(chosen.map((part) => placeOf(name, part))));
      findings.push(...(await this.#checkParts(table, chosen)), ...(await this.#strays(table, parts)));
      lines.push(...this.#lines(name, parts));
    }
    return { findings, lines };
  }

  async #table(name: string): Promise<FactTable> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const { clickhouse } = this.#options;
    const table = new FactTable(clickhouse, name, await columnsOf(clickhouse, name));
    this.#tables.set(name, table);
    return table;
  }

  async #checkParts(table: FactTable, chosen: readonly FactPart[]): Promise<Finding[]> {
    const there = await table.buckets(chosen.map(({ range }) => range));
    const findings: Finding[] = [];
    let remade = 0;
    for (const part of chosen) {
      const found = sumOf(there, part);
      const known = this.#knownOf(table, part);
      const isSame = known.content?.equals(found.content) === true;
      known.atMs = this.#options.now();
      known.count = part.said.count;
      if (found.ids.equals(part.said) && isSame) continue;
      if (found.ids.equals(part.said) && known.content === undefined && remade > this.#options.maxRemade)
        continue;
      remade += part.range.to - part.range.from;
      const result = await compareRows(table, { ...this.#options, ...part, known: known.content, found });
      findings.push(...result.findings);
      if (result.findings.length > 0) continue;
      known.content = found.content;
      known.isProven = result.isProven;
    }
    return findings;
  }

  /** What changed, then what was not checked for longest, up to what one pass may read. */
  #choose(table: FactTable, parts: readonly FactPart[]): readonly FactPart[] {
    const isFresh = (part: FactPart) => {
      const known = this.#knownOf(table, part);
      return known.content === undefined || known.count !== part.said.count;
    };
    const byAge = (x: FactPart, y: FactPart) =>
      Number(isFresh(y)) - Number(isFresh(x)) || this.#knownOf(table, x).atMs - this.#knownOf(table, y).atMs;
    let rows = 0;
    return [...parts].sort(byAge).filter((part) => {
      if (rows > this.#options.maxRows) return false;
      rows += part.said.count + 1;
      return true;
    });
  }

  #chosenAgain(table: string, parts: readonly FactPart[]): readonly FactPart[] {
    return parts.filter((part) => this.#chosen.get(table)?.has(placeOf(table, part)) === true);
  }

  #knownOf({ table }: { readonly table: string }, { range, bucket }: FactPart): Known {
    const key = placeOf(table, { range, bucket });
    let known = this.#known.get(key);
    if (known === undefined || known.count > factsOf(bucket, table).count)
      this.#known.set(key, (known = this.#adopted(table, { range, bucket })));
    return known;
  }

  /** A coarse bucket takes over what was proven of the fine ones that became it. */
  #adopted(table: string, { range, bucket }: Pick<FactPart, 'range' | 'bucket'>): Known {
    const nothing: Known = { atMs: 0, count: 0, content: undefined, isProven: false };
    if (!bucket.isCoarse) return nothing;
    const content = new Digest();
    let atMs = Number.POSITIVE_INFINITY;
    for (
      let index = bucket.index * INPUT_SHAPE.factor;
      index < (bucket.index + 1) * INPUT_SHAPE.factor;
      index++
    ) {
      const key = `${table}/${range.topic}/${range.partition}/f${index}`;
      const fine = this.#known.get(key);
      this.#known.delete(key);
      if (fine?.content === undefined || !fine.isProven) continue;
      content.merge(fine.content);
      atMs = Math.min(atMs, fine.atMs);
    }
    const { count } = factsOf(bucket, table);
    return content.count === count && count > 0 ? { atMs, count, content, isProven: true } : nothing;
  }

  /** Rows at places that do not exist. Rows of a commit under way are in front of the end of the log. */
  async #strays(table: FactTable, parts: readonly FactPart[]): Promise<Finding[]> {
    const { kafka } = this.#options;
    const known: FactRange[] = [];
    for (const topic of new Set(parts.map(({ range }) => range.topic)))
      for (const { partition, end } of await kafka.admin.offsets(topic))
        known.push({ topic, partition, from: 0, to: end });
    if (known.length === 0) return [];
    return (await table.strays(known)).map(({ topic, part, n, first }) => ({
      ...{ store: 'clickhouse', kind: 'foreign', what: table.table, partition: part, count: n },
      place: `${topic}/${part} from offset ${first}`,
      reason: 'no record has been at that place of the log',
    }));
  }

  #lines(table: string, parts: readonly FactPart[]): AuditLine[] {
    const lines = new Map<string, AuditLine>();
    for (const part of parts) {
      const { topic, partition } = part.range;
      const known = this.#knownOf({ table }, part);
      const line = lines.get(`${topic}/${partition}`);
      const unproven = known.isProven ? 0 : part.said.count;
      const checkedAtMs = Math.min(line?.checkedAtMs ?? Number.POSITIVE_INFINITY, known.atMs);
      lines.set(`${topic}/${partition}`, {
        ...{ store: 'clickhouse', what: table, partition, checkedAtMs },
        there: (line?.there ?? 0) + part.said.count,
        unproven: (line?.unproven ?? 0) + unproven,
      });
    }
    return [...lines.values()];
  }
}

function placeOf(table: string, { range, bucket }: Pick<FactPart, 'range' | 'bucket'>): string {
  return `${table}/${range.topic}/${range.partition}/${bucket.isCoarse ? 'c' : 'f'}${bucket.index}`;
}
