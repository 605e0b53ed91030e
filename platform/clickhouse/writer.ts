import { randomUUID } from 'node:crypto';
import { MillraceError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { retry } from '../retry.ts';
import { systemScheduler, type Scheduler } from '../scheduler.ts';
import { Sieve } from '../sieve.ts';
import type { ClickHouse, Row } from './port.ts';
import { isOfValue, type RefusedRow } from './refused-rows.ts';

export interface BatchWriterOptions {
  /** Rows of one insert, and the number of pending rows from which {@link BatchWriter.full} asks to flush. */
  readonly maxRows: number;
  /** The same by estimated size. */
  readonly maxBytes: number;
  /** How long rows may wait before {@link BatchWriter.full} asks to flush; for ever where absent. */
  readonly maxAgeMs?: number;
  /** Of {@link maxAgeMs} and of the waits between attempts; the system's where absent. */
  readonly scheduler?: Scheduler;
  readonly log: Logger;
  /** Told of each failed attempt before the wait. */
  onRetry?(table: string, error: MillraceError, delayMs: number): void;
  /** Ends the waiting of a flush, which then rejects with its last error. */
  readonly signal?: AbortSignal;
  /**
   * Whether rows with a value that their table does not take are left out and named by the flush, instead of failing it.
   * Whoever asks for it answers for them.
   */
  readonly sparesRefused?: boolean;
  /** Waits between attempts; 200 and 10,000 where absent. */
  readonly retryDelayMs?: { readonly initial: number; readonly max: number };
}

interface Batch {
  readonly table: string;
  readonly rows: Row[];
  bytes: number;
  readonly startedMs: number;
  /** Names the batch, so that a server that has seen it skips the repetition. */
  readonly token: string;
  /** A batch that has been tried stays as it is: only byte-identical repetitions are recognised. */
  sealed: boolean;
}

/**
 * Collects rows and inserts them in batches. Write, then commit: what {@link flush} has resolved for is in the tables.
 * While ClickHouse is away, flush waits and tries again for ever; memory stays bounded as long as the caller stops
 * adding while {@link full} is true.
 */
export interface BatchWriter {
  /** Rows added and not yet known to be in the tables, those of a running flush included. */
  readonly pendingRows: number;
  /** Their estimated size as JSON. */
  readonly pendingBytes: number;
  /** True at maxRows, maxBytes or maxAgeMs: flush before adding more. */
  readonly full: boolean;
  add(table: string, rows: readonly Row[]): void;
  /**
   * Resolves when every row that was added before the call is in its table. Rejects when ClickHouse refuses a batch
   * (MR_CLICKHOUSE_QUERY_FAILED) or the signal stops it; rows that are not in stay pending. A row may be in twice after
   * an unknown outcome: tables must replace by key.
   * @returns the rows that were left out because ClickHouse refused them; none unless that was asked for
   */
  flush(): Promise<readonly RefusedRow[]>;
}

export function createBatchWriter(clickhouse: ClickHouse, options: BatchWriterOptions): BatchWriter {
  return new Writer(clickhouse, options);
}

class Writer implements BatchWriter {
  readonly #clickhouse: ClickHouse;
  readonly #options: BatchWriterOptions;
  /** Per table, in the order of adding. */
  readonly #batches = new Map<string, Batch[]>();
  readonly #sieves = new Map<string, Sieve<Row>>();
  #flushing: Promise<unknown> = Promise.resolve();
  #pendingRows = 0;
  #pendingBytes = 0;

  constructor(clickhouse: ClickHouse, options: BatchWriterOptions) {
    this.#clickhouse = clickhouse;
    this.#options = options;
  }

  get pendingRows(): number {
    return this.#pendingRows;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get full(): boolean {
    const { maxRows, maxBytes } = this.#options;
    return this.#pendingRows >= maxRows || this.#pendingBytes >= maxBytes || this.#isOld();
  }

  #isOld(): boolean {
    const { maxAgeMs } = this.#options;
    if (maxAgeMs === undefined) return false;
    const beforeMs = this.#now() - maxAgeMs;
    for (const [oldest] of this.#batches.values())
      if (oldest !== undefined && oldest.startedMs <= beforeMs) return true;
    return false;
  }

  #now(): number {
    return (this.#options.scheduler ?? systemScheduler).elapsedMs();
  }

  add(table: string, rows: readonly Row[]): void {
    let batches = this.#batches.get(table);
    if (batches === undefined) this.#batches.set(table, (batches = []));
    let batch = batches.at(-1);
    for (const row of rows) {
      if (batch === undefined || batch.sealed || this.#isFull(batch))
        batches.push((batch = this.#newBatch(table)));
      const bytes = estimateBytes(row);
      batch.rows.push(row);
      batch.bytes += bytes;
      this.#pendingBytes += bytes;
    }
    this.#pendingRows += rows.length;
  }

  #newBatch(table: string): Batch {
    return { table, rows: [], bytes: 0, startedMs: this.#now(), token: randomUUID(), sealed: false };
  }

  #isFull(batch: Batch): boolean {
    return batch.rows.length >= this.#options.maxRows || batch.bytes >= this.#options.maxBytes;
  }

  flush(): Promise<readonly RefusedRow[]> {
    const flushed = this.#flushing.then(() => this.#flushAll());
    this.#flushing = flushed.catch(() => undefined); // its caller has the error; the next flush tries the rest again
    return flushed;
  }

  async #flushAll(): Promise<readonly RefusedRow[]> {
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    this.#options.signal?.addEventListener('abort', onSignal, { once: true });
    if (this.#options.signal?.aborted === true) stop.abort();
    const tables = [...this.#batches.values()].map((batches) => {
      for (const batch of batches) batch.sealed = true;
      return this.#insertAll([...batches], stop);
    });
    const results = await Promise.allSettled(tables);
    this.#options.signal?.removeEventListener('abort', onSignal);
    const failures = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as Error);
    // A refusal says more than the retries of other tables that it stopped.
    const first =
      failures.find((error) => !(error instanceof MillraceError) || !error.retryable) ?? failures[0];
    if (first !== undefined) throw first;
    return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  }

  async #insertAll(batches: readonly Batch[], stop: AbortController): Promise<readonly RefusedRow[]> {
    const refused: RefusedRow[] = [];
    try {
      for (const batch of batches) {
        refused.push(...(await this.#insertBatch(batch, stop.signal)));
        this.#forget(batch);
      }
      return refused;
    } catch (error) {
      stop.abort(); // the flush has failed: other tables need not wait for ever
      throw error;
    }
  }

  async #insertBatch(batch: Batch, signal: AbortSignal): Promise<readonly RefusedRow[]> {
    if (this.#options.sparesRefused !== true) {
      await this.#insert(batch, signal);
      return [];
    }
    let sieve = this.#sieves.get(batch.table);
    if (sieve === undefined) this.#sieves.set(batch.table, (sieve = new Sieve(isOfValue)));
    const refused = await sieve.pass(batch.rows, (rows) =>
      this.#insert(rows === batch.rows ? batch : { ...batch, rows, token: randomUUID() }, signal),
    );
    return refused.map(({ item, reason }) => ({ table: batch.table, row: item, reason }));
  }

  async #insert(
    batch: Pick<Batch, 'table' | 'token'> & { readonly rows: readonly Row[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { initial, max } = this.#options.retryDelayMs ?? { initial: 200, max: 10_000 };
    await retry(
      () =>
        this.#clickhouse.insert(batch.table, batch.rows, {
          settings: { insert_deduplication_token: batch.token },
        }),
      {
        initialDelayMs: initial,
        maxDelayMs: max,
        signal,
        ...(this.#options.scheduler === undefined ? {} : { scheduler: this.#options.scheduler }),
        onRetry: (error, attempt, delayMs) => {
          this.#options.log.warn(
            {
              table: batch.table,
              rows: batch.rows.length,
              attempt,
              delayMs,
              code: error.code,
              error: error.message,
            },
            'an insert failed and is tried again; check that ClickHouse runs',
          );
          this.#options.onRetry?.(batch.table, error, delayMs);
        },
      },
    );
  }

  #forget(batch: Batch): void {
    const batches = this.#batches.get(batch.table) ?? [];
    batches.splice(batches.indexOf(batch), 1);
    if (batches.length === 0) this.#batches.delete(batch.table);
    this.#pendingRows -= batch.rows.length;
    this.#pendingBytes -= batch.bytes;
  }
}

/** Size of a row in an insert, within about a third: enough to bound memory without encoding it twice. */
function estimateBytes(row: Row): number {
  let bytes = 2;
  for (const name in row) bytes += valueBytes(row[name]) + 1;
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + valueBytes(item) + 1, 2);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value).length;
  return 8;
}
