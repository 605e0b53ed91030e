import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { orderOf, T0 } from '../../test/harness/shop-events.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { ensureTopics, openLog } from '../backends.ts';
import { COMMANDS } from '../commands.ts';
import { runCommandLine } from '../run.ts';
import { withSession } from '../session.ts';

const ORDERS = SHOP_TOPICS.orders.name;

function dlqOn(dataDir: string) {
  return async (...args: string[]) => {
    const printed: string[] = [];
    const noted: string[] = [];
    const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) };
    const code = await runCommandLine(COMMANDS, ['dlq', ...args, '--data-dir', dataDir], output);
    return { code, printed, noted: noted.join('\n'), last: printed.at(-1) ?? '' };
  };
}

/** Owns a data folder with three letters of one order. */
async function withLetters(dataDir: string, work: (kafka: Kafka) => Promise<void>): Promise<void> {
  const config = loadConfig({ MR_DATA_DIR: dataDir, MR_LOG_LEVEL: 'warn' });
  await withSession(config, 'demo', async (session) => {
    const kafka = await openLog(session);
    await ensureTopics(config, kafka);
    const letters = [0, 1, 2].map((offset) => ({
      ...{ topic: `${ORDERS}.dlq`, partition: 2, key: 'order-7', value: encodeEvent(orderOf('order-7', T0)) },
      headers: {
        ...{ 'mr-code': 'MR_PROCESS_STEP_FAILED', 'mr-step': 'process', 'mr-attempt': '1' },
        ...{ 'mr-origin-topic': ORDERS, 'mr-origin-partition': '2', 'mr-origin-offset': String(offset) },
      },
    }));
    await kafka.producer().send(letters);
    await work(kafka);
  });
}

describe('millrace dlq', () => {
  it('lists, shows and redrives beside the owner of a data folder, and without one', async () => {
    const dataDir = await temporaryDir();
    const dlq = dlqOn(dataDir);
    await withLetters(dataDir, async (kafka) => {
      const listed = await dlq('list', 'shop.orders');
      expect(listed.printed[0]).toMatch(/^topic +part +code +step +letters/);
      expect(JSON.parse(listed.last)).toMatchObject({
        counts: [{ topic: `${ORDERS}.dlq`, partition: 2, letters: 3, redriven: 0 }],
      });
      const shown = JSON.parse((await dlq('show', `${ORDERS}.dlq/2/1`, '--json')).last) as Record<
        string,
        unknown
      >;
      expect(shown).toMatchObject({ key: 'orde…(7)', value: { orderId: 'order-7', buyerId: 'user…(6)' } });
      const revealed = JSON.parse(
        (await dlq('show', `${ORDERS}.dlq/2/1`, '--json', '--reveal')).last,
      ) as unknown;
      expect(revealed).toMatchObject({ key: 'order-7', value: { buyerId: 'user-1' } });
      const raw = JSON.parse((await dlq('show', `${ORDERS}/2/1`, '--json', '--raw', 'hex')).last) as unknown;
      expect(raw).toMatchObject({ key: Buffer.from('order-7').toString('hex') });
      const one = ['redrive', '--topic', 'shop.orders', '--partition', '2', '--offset', '1'];
      expect(await dlq(...one)).toMatchObject({
        ...{ code: 1, noted: expect.stringContaining('MR_DLQ_OVERTAKES') as string },
      });
      expect(JSON.parse((await dlq(...one, '--extend', '--dry-run')).last)).toMatchObject({ redriven: 2 });
      expect(JSON.parse((await dlq(...one, '--extend')).last)).toMatchObject({ redriven: 2, added: 1 });
      expect((await kafka.admin.offsets(ORDERS))[2]?.end).toBe(2);
    });
    expect(JSON.parse((await dlq('redrive', '--key', 'order-7')).last)).toMatchObject({
      ...{ redriven: 1, doneBefore: 2 },
    });
    expect(JSON.parse((await dlq('redrive')).last)).toMatchObject({ redriven: 0, doneBefore: 3 });
  });

  it('says what is wrong with what was asked', async () => {
    const dataDir = await temporaryDir();
    const dlq = dlqOn(dataDir);
    const says = async (args: readonly string[], code: number, text: string) =>
      expect(await dlq(...args)).toMatchObject({ code, noted: expect.stringContaining(text) as string });
    await says(['list'], 1, 'there is no embedded log');
    await withLetters(dataDir, () => Promise.resolve());
    await says(['lst'], 2, 'did you mean "list"?');
    await says(['list', 'shop.order'], 1, 'MR_DLQ_NOT_FOUND');
    await says(['show', 'shop.orders.dlq'], 2, 'a letter is <topic>/<partition>/<offset>');
    await says(['show', 'shop.orders.dlq/2/9'], 1, 'it has offsets from 0 to below 3');
    await says(['redrive', '--offset', '1'], 2, '--offset needs --topic and --partition');
    await says(['list', '--since', 'soon'], 2, '--since needs a time');
  });
});
