import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { StatementError } from './statement-error.ts';
import { openStatementPool, type StatementPool } from './statement-pool.ts';

const SETUP = { database: 'default', isReader: false, isReadOnly: false, settings: {}, params: {} };
const SLOW = 'SELECT sum(sleepEachRow(0.05)) FROM numbers(2000) SETTINGS max_block_size = 1';
const never = new AbortController().signal;

let dir: TemporaryDir;
let pool: StatementPool;

beforeAll(async () => {
  dir = await makeTemporaryDir();
  pool = await openStatementPool({ path: `${dir.path}/engine`, size: 2, maxWaiting: 1 });
});
afterAll(async () => {
  await pool.close();
  await dir.remove();
});

describe('openStatementPool', () => {
  it('lets so many run and so many wait, and refuses the next with code 202', async () => {
    const [first, second] = await Promise.all([pool.acquire(never), pool.acquire(never)]);
    const third = pool.acquire(never);
    expect([pool.running, pool.waiting]).toEqual([2, 1]);
    await expect(pool.acquire(never)).rejects.toMatchObject({ code: 202 });
    await first.release();
    await (await third).release();
    await second.release();
    expect([pool.running, pool.waiting]).toEqual([0, 0]);
  });

  it('gives up a wait that is aborted, and keeps the place for the next', async () => {
    const held = await Promise.all([pool.acquire(never), pool.acquire(never)]);
    const abort = new AbortController();
    const waiting = pool.acquire(abort.signal);
    abort.abort(new StatementError(159, 'TIMEOUT_EXCEEDED', 'too long'));
    await expect(waiting).rejects.toMatchObject({ code: 159 });
    expect(pool.waiting).toBe(0);
    for (const session of held) await session.release();
    await (await pool.acquire(never)).release();
  });

  it('ends a running statement while every thread is busy, and leaks no setting into the next', async () => {
    const sessions = await Promise.all([pool.acquire(never), pool.acquire(never)]);
    for (const session of sessions) await session.prepare({ ...SETUP, settings: { max_threads: '1' } });
    const running = sessions.map((session) => session.execute(SLOW, 'TSV'));
    const refused = running.map((run) => expect(run).rejects.toMatchObject({ code: 394 }));
    for (const session of sessions) session.abort(new StatementError(394, 'QUERY_WAS_CANCELLED', 'enough'));
    await Promise.all(refused);
    for (const session of sessions) await session.release();
    const next = await pool.acquire(never);
    await next.prepare(SETUP);
    const { bytes } = await next.execute(
      "SELECT value FROM system.settings WHERE name = 'max_threads' AND changed",
      'TSV',
    );
    expect(Buffer.from(bytes).toString()).toBe('');
    await next.release();
  });

  it('says what the parser makes of a text without running it', async () => {
    const session = await pool.acquire(never);
    await session.prepare(SETUP);
    expect(await session.inspect('CREATE TABLE made (a Int8) ENGINE = Memory')).toMatchObject({
      isRead: false,
    });
    expect(await session.inspect('SELECT `fil\\x65`(1)')).toMatchObject({
      statements: 1,
      isRead: true,
      tree: expect.arrayContaining([expect.stringContaining('Function file')]) as string[],
    });
    expect(await session.inspect('SELECT 1; SELECT 2')).toMatchObject({ statements: 2 });
    await expect(session.inspect('SELEC')).rejects.toMatchObject({ code: 62 });
    await expect(session.execute('SELECT * FROM made', 'TSV')).rejects.toMatchObject({ code: 60 });
    await session.release();
  });

  it('cancels what still runs when it is closed', async () => {
    const other = await openStatementPool({ path: `${dir.path}/engine`, size: 1, maxWaiting: 0 });
    const session = await other.acquire(never);
    await session.prepare(SETUP);
    const refused = expect(session.execute(SLOW, 'TSV')).rejects.toMatchObject({ code: 236 });
    const closed = other.close(50);
    await refused;
    await session.release();
    await closed;
    await expect(other.acquire(never)).rejects.toMatchObject({ code: 236 });
  });
});
