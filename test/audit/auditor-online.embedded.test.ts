import { expect, test } from 'vitest';
import { WATCH_DEPTH } from '../../processors/audit/shop-auditor.ts';
import { auditedShop, traffic } from './audited-shop.contract.ts';
import { findsHands } from './online-audit.contract.ts';

const DAY_MS = 86_400_000;

test('finds keys of the embedded store that a hand deleted, altered or added, and nothing else', {
  timeout: 300_000,
}, async () => {
  const shop = await auditedShop();
  const { store } = shop;
  await findsHands(shop, {
    delete: (key) => store.delete([key]),
    async write(stored) {
      await store.delete([stored.key]);
      await store.setIfNewer([{ ...stored, ttlMs: DAY_MS }]);
    },
  });
});

test('checks every task in a few passes where one reads only a part, and tells of keys of nobody after them', {
  timeout: 300_000,
}, async () => {
  const shop = await auditedShop();
  await shop.send(traffic(1, 2));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  await shop.store.setIfNewer([{ key: 'alien', value: 'x', version: 1, ttlMs: DAY_MS }]);
  // Each pass reads one task, and does not rest.
  const watching = shop.auditor({ ...WATCH_DEPTH, maxRestored: 1, restFactor: 0 });
  const startMs = Date.now();
  let passes = 0;
  for (;;) {
    const { findings, lines } = await watching.pass();
    const keys = lines.filter(({ store }) => store === 'redis');
    passes += 1;
    if (findings.length > 0) {
      expect(findings).toMatchObject([{ kind: 'foreign', what: 'keys of nobody', place: 'alien', count: 1 }]);
      const tasks = keys.filter(({ what }) => what !== 'keys of nobody');
      expect(tasks.every(({ checkedAtMs }) => (checkedAtMs ?? 0) > startMs)).toBe(true);
      expect(passes).toBe(tasks.length);
      return;
    }
    expect(passes).toBeLessThan(100);
  }
});
