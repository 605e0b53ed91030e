import { describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.ts';
import { silentLogger } from '../log.ts';
import type { ClickHouse, QueryOptions, Row } from './port.ts';
import { systemScheduler } from '../scheduler.ts';
import { createBatchWriter, type BatchWriterOptions } from './writer.ts';

interface Insert {
  readonly table: string;
  readonly rows: readonly Row[];
  readonly token: unknown;
}

/** Takes inserts as `decide` says: undefined takes the rows, an error refuses them. */
function standIn(decide: (insert: Insert, attempt: number) => Error | undefined | Promise<undefined>) {
  const attempts: Insert[] = [];
  const taken: Insert[] = [];
  const unused = () => Promise.reject(new Error('not used by the writer'));
  const clickhouse: ClickHouse = {
    kind: 'http',
    database: 'test',
    query: unused,
    command: unused,
    ping: unused,
    info: unused,
    close: unused,
    async insert(table: string, rows: readonly Row[], options?: QueryOptions) {
      const insert = { table, rows: [...rows], token: options?.settings?.['insert_deduplication_token'] };
      attempts.push(insert);
      const error = await decide(insert, attempts.length);
      if (error !== undefined) throw error;
      taken.push(insert);
    },
  };
  return { clickhouse, attempts, taken };
}

const away = () => new MillraceError('MR_CLICKHOUSE_UNAVAILABLE', 'away');
const refused = () => new MillraceError('MR_CLICKHOUSE_QUERY_FAILED', 'refused');

function options(changes: Partial<BatchWriterOptions> = {}): BatchWriterOptions {
  return {
    maxRows: 3,
    maxBytes: 10_000,
    log: silentLogger(),
    retryDelayMs: { initial: 1, max: 2 },
    ...changes,
  };
}

const rows = (...ns: number[]) => ns.map((n) => ({ n }));

describe('createBatchWriter', () => {
  it('makes one insert per table up to maxRows', async () => {
    const { clickhouse, taken } = standIn(() => undefined);
    const writer = createBatchWriter(clickhouse, options());
    writer.add('a', rows(1, 2));
    writer.add('b', rows(9));
    writer.add('a', rows(3, 4));
    await writer.flush();
    expect(taken.map(({ table, rows: inserted }) => [table, inserted.map((row) => row['n'])])).toEqual([
      ['a', [1, 2, 3]],
      ['b', [9]],
      ['a', [4]],
    ]);
  });

  it('is full at maxRows or maxBytes, until a flush', async () => {
    const { clickhouse } = standIn(() => undefined);
    const writer = createBatchWriter(clickhouse, options({ maxRows: 100, maxBytes: 1000 }));
    expect(writer.full).toBe(false);
    writer.add('a', [{ text: 'x'.repeat(1000) }]);
    expect(writer.full).toBe(true);
    await writer.flush();
    expect(writer.full).toBe(false);
  });

  it('is full when its oldest row has waited for maxAgeMs', async () => {
    let nowMs = 0;
    const { clickhouse } = standIn(() => undefined);
    const writer = createBatchWriter(
      clickhouse,
      options({ maxAgeMs: 100, scheduler: { ...systemScheduler, elapsedMs: () => nowMs } }),
    );
    writer.add('a', rows(1));
    nowMs = 60;
    writer.add('b', rows(2));
    nowMs = 99;
    expect(writer.full).toBe(false);
    nowMs = 100;
    expect(writer.full).toBe(true);
    await writer.flush();
    expect(writer.full).toBe(false);
  });

  it('tries a batch again unchanged, with the same token, while rows are added behind it', async () => {
    const { clickhouse, attempts, taken } = standIn((_insert, attempt) => {
      if (attempt === 1) writer.add('a', rows(2));
      return attempt < 5 ? away() : undefined;
    });
    const retried: string[] = [];
    const writer = createBatchWriter(
      clickhouse,
      options({ onRetry: (table, error) => retried.push(`${table} ${error.code}`) }),
    );
    writer.add('a', rows(1));
    await writer.flush();
    expect(retried).toEqual(Array.from({ length: 4 }, () => 'a MR_CLICKHOUSE_UNAVAILABLE'));
    expect(new Set(attempts.map((attempt) => JSON.stringify(attempt))).size).toBe(1);
    expect(writer.pendingRows).toBe(1);
    await writer.flush();
    expect(taken.flatMap((insert) => insert.rows)).toEqual(rows(1, 2));
    expect(writer.pendingBytes).toBe(0);
  });

  it('rejects with the refusal, stops waiting for other tables, and keeps what is not in', async () => {
    const { clickhouse, taken } = standIn(({ table }) => (table === 'bad' ? refused() : away()));
    const writer = createBatchWriter(clickhouse, options({ retryDelayMs: { initial: 5000, max: 5000 } }));
    writer.add('good', rows(1));
    writer.add('bad', rows(2));
    await expect(writer.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
    expect([writer.pendingRows, taken.length]).toEqual([2, 0]);
  });

  it('stops waiting when its signal says so, and can flush the rest later', async () => {
    const stop = new AbortController();
    const { clickhouse, taken } = standIn((_insert, attempt) => {
      if (attempt === 1) queueMicrotask(() => stop.abort());
      return attempt === 1 ? away() : undefined;
    });
    const writer = createBatchWriter(clickhouse, options({ signal: stop.signal }));
    writer.add('a', rows(1));
    await expect(writer.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_UNAVAILABLE' });
    expect(writer.pendingRows).toBe(1);
    await writer.flush();
    expect(taken.flatMap((insert) => insert.rows)).toEqual(rows(1));
  });

  it('runs one flush at a time, and each covers what was added before it', async () => {
    let running = 0;
    let most = 0;
    const { clickhouse, taken } = standIn(async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return undefined;
    });
    const writer = createBatchWriter(clickhouse, options({ maxRows: 100 }));
    const flushes = [1, 2, 3].map((n) => {
      writer.add('a', rows(n));
      return writer.flush();
    });
    await Promise.all(flushes);
    expect(most).toBe(1);
    expect(taken.flatMap((insert) => insert.rows)).toEqual(rows(1, 2, 3));
  });
});
