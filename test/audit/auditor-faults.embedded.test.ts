import { expect, test } from 'vitest';
import { auditedShop, dyingWriter, traffic } from './audited-shop.contract.ts';

test('crashes, redeliveries, late and broken records and an audit in the middle are nothing wrong', {
  timeout: 600_000,
}, async () => {
  const shop = await auditedShop();
  const watching = shop.auditor();
  await shop.send(traffic(1, 2));
  for (const commits of [1, 3]) {
    const runner = await shop.start({ rows: dyingWriter(shop, commits) });
    await shop.send(traffic(1 + commits, 1));
    await expect(runner.done).rejects.toThrow('died between');
    await runner.stop();
    // Rows without their transaction are in the tables now.
    expect((await watching.pass()).findings).toEqual([]);
  }
  const runner = await shop.start();
  // All of it once more, while it is read and committed.
  await shop.send(traffic(1, 2));
  for (let n = 0; n < 3; n++) expect((await watching.pass()).findings).toEqual([]);
  await shop.settled();
  await runner.stop();
  for (const report of [await watching.pass(), await shop.audit()]) {
    expect(report.findings).toEqual([]);
    const inputs = report.lines.flatMap(({ input }) => (input === undefined ? [] : [input]));
    for (const kind of ['duplicates', 'late', 'dead', 'facts'] as const)
      expect(
        inputs.reduce((sum, input) => sum + input[kind], 0),
        kind,
      ).toBeGreaterThan(0);
  }
});

test('names what was put into a topic by hand, and what is gone from one', { timeout: 600_000 }, async () => {
  const shop = await auditedShop();
  const { kafka } = shop;
  await shop.send(traffic(1, 2));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const watching = shop.auditor();
  expect((await watching.pass()).findings).toEqual([]);

  const copied = 'millrace.item-activity';
  for await (const { records } of kafka.readToEnd({ topic: copied, partition: 0 })) {
    const [first] = records;
    if (first === undefined) continue;
    await shop.send([
      { topic: copied, key: String(first.key), value: first.value, timestampMs: first.timestampMs },
    ]);
    break;
  }
  await shop.send([{ topic: 'shop.orders.dlq', key: 'x', value: Buffer.from('by hand') }]);
  const emptied = 'millrace.card-payments';
  await kafka.admin.deleteTopics([emptied]);
  await kafka.admin.ensureTopics([{ topic: emptied, partitions: 4 }]);

  for (const report of [await watching.pass(), await shop.audit()]) {
    const found = (topic: string) => report.findings.filter(({ what }) => what === topic);
    expect(found(copied)).toMatchObject([
      { kind: 'duplicate', count: 1, place: expect.stringMatching(/^offset \d+$/) as string },
    ]);
    expect(found('shop.orders.dlq')).toMatchObject([
      { kind: 'foreign', count: 1, reason: expect.stringContaining('another writer') as string },
    ]);
    expect(found(emptied).length).toBeGreaterThan(0);
    expect(new Set(found(emptied).map(({ kind }) => kind))).toEqual(new Set(['gap']));
    expect(new Set(report.findings.map(({ what }) => what))).toEqual(
      new Set([copied, 'shop.orders.dlq', emptied]),
    );
  }
});
