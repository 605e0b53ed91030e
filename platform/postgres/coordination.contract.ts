import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Postgres } from './port.ts';

/** Locks and notifications, as both engines promise them. */
export function coordinationContract(engine: string, open: () => Promise<Postgres>): void {
  describe(`PostgreSQL coordination: ${engine}`, () => {
    let postgres: Postgres;
    beforeAll(async () => {
      postgres = await open();
    });
    afterAll(() => postgres.close());

    const table = async (columns: string): Promise<string> => {
      const name = `t_${randomBytes(6).toString('hex')}`;
      await postgres.execute(`CREATE TABLE ${name} (${columns})`);
      return name;
    };

    describe('locks', () => {
      it('lets one in at a time, by key', async () => {
        let holders = 0;
        let most = 0;
        const work = () =>
          postgres.withLock('one', async () => {
            most = Math.max(most, ++holders);
            await sleep(5);
            holders--;
          });
        await Promise.all(Array.from({ length: 4 }, work));
        expect(most).toBe(1);
        const both = await postgres.withLock('a', () => postgres.tryWithLock('b', async () => 'b too'));
        expect(both).toEqual({ result: 'b too' });
      });

      it('does not wait in tryWithLock, and waits no longer than told in withLock', async () => {
        await postgres.withLock('held', async () => {
          expect(await postgres.tryWithLock('held', async () => 1)).toBeUndefined();
          await expect(postgres.withLock('held', async () => 1, { timeoutMs: 100 })).rejects.toMatchObject({
            code: 'MR_POSTGRES_CONTENTION',
            retryable: true,
          });
        });
        expect(await postgres.tryWithLock('held', async () => 1)).toEqual({ result: 1 });
      });

      it('is free after the work has thrown', async () => {
        await expect(postgres.withLock('thrown', () => Promise.reject(new Error('own')))).rejects.toThrow(
          'own',
        );
        expect(await postgres.tryWithLock('thrown', async () => 1)).toEqual({ result: 1 });
      });

      it('gives a session with statements and transactions, also at once', async () => {
        const name = await table('id int primary key');
        await postgres.withLock('session', async (session) => {
          expect(session.lost.aborted).toBe(false);
          await Promise.all([
            session.transaction(async (transaction) => {
              await transaction.execute(`INSERT INTO ${name} VALUES (1)`);
              await sleep(20);
              await transaction.execute(`INSERT INTO ${name} VALUES (2)`);
            }),
            session.execute(`INSERT INTO ${name} VALUES (3)`),
            session.transaction(async () => Promise.reject(new Error('own'))).catch(() => undefined),
          ]);
          expect(await session.query(`SELECT count(*) AS n FROM ${name}`)).toEqual([{ n: 3n }]);
        });
      });
    });

    describe('notifications', () => {
      const collect = () => {
        const payloads: string[] = [];
        let arrived: () => void = () => undefined;
        const listener = {
          onNotification: (payload: string) => {
            payloads.push(payload);
            arrived();
          },
          onGap: () => undefined,
        };
        const until = async (length: number) => {
          while (payloads.length < length) await new Promise<void>((resolve) => (arrived = resolve));
          return payloads;
        };
        return { listener, payloads, until };
      };

      it('come in order, from statements and transactions, and not after a rollback', async () => {
        const { listener, until } = collect();
        const subscription = await postgres.subscribe('outbox_test', listener);
        await postgres.notify('outbox_test', 'first');
        await postgres.transaction((transaction) => transaction.notify('outbox_test', 'second'));
        await postgres
          .transaction(async (transaction) => {
            await transaction.notify('outbox_test', 'never');
            throw new Error('own');
          })
          .catch(() => undefined);
        await postgres.notify('outbox_test');
        expect(await until(3)).toEqual(['first', 'second', '']);
        await subscription.close();
      });

      it('stop at the end of a subscription, and reach every subscriber before', async () => {
        const [one, two] = [collect(), collect()];
        const first = await postgres.subscribe('shared', one.listener);
        const second = await postgres.subscribe('shared', two.listener);
        await postgres.notify('shared', 'a');
        await Promise.all([one.until(1), two.until(1)]);
        await first.close();
        await postgres.notify('shared', 'b');
        expect(await two.until(2)).toEqual(['a', 'b']);
        expect(one.payloads).toEqual(['a']);
        await second.close();
      });

      it('refuses names that would have to be quoted', async () => {
        const { listener } = collect();
        await expect(postgres.subscribe('x; DROP TABLE y', listener)).rejects.toThrow(TypeError);
      });
    });
  });
}
