/** What an auditor must find in the online store beside running processors, whichever engine the store is on. */
import { expect } from 'vitest';
import { WATCH_DEPTH } from '../../processors/audit/shop-auditor.ts';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';
import { isCheckpointKey } from '../../schemas/keys.ts';
import { traffic, type AuditedShop } from './audited-shop.contract.ts';

/** A key as it is in the store. */
export interface Stored {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly owner: string;
}

/** What a hand does to a store, as its administrator would. */
export interface Hand {
  delete(key: string): Promise<void>;
  /** Writes a key as a task would have, with another value. */
  write(stored: Stored): Promise<void>;
}

const ofRedis = ({ findings }: AuditReport) =>
  findings
    .filter(({ store }) => store === 'redis')
    .map(({ kind, what, place, count }) => ({ kind, what, place, count }))
    .sort((x, y) => (x.place < y.place ? -1 : 1));

/** Runs the processors, ends and starts them again, and then touches keys while they run on. */
export async function findsHands(shop: AuditedShop, hand: Hand): Promise<void> {
  // The rest after a run is far shorter than the time between two passes of the clock, and longer than this test waits.
  const watching = shop.auditor({ ...WATCH_DEPTH, restFactor: 0 });
  await shop.send(traffic(1, 2));
  const first = await shop.start();
  expect(ofRedis(await watching.pass())).toEqual([]);
  await first.stop();
  await shop.start();
  await shop.send(traffic(2, 1));
  expect(ofRedis(await watching.pass())).toEqual([]);
  await shop.settled();
  const untouched = await watching.pass();
  expect(untouched.findings).toEqual([]);
  const keys = untouched.lines.filter(({ store }) => store === 'redis');
  expect(new Set(keys.filter(({ there }) => there > 0).map(({ what }) => what))).toEqual(
    new Set(['visitor', 'user', 'items', 'catalog', 'trending', 'journal', 'segment-candidates']),
  );

  const [deleted, altered, kept] = await keysOf(shop, 'visitor');
  if (deleted === undefined || altered === undefined || kept === undefined) throw new Error('too few keys');
  await hand.delete(deleted.key);
  await hand.write({ ...altered, value: `${altered.value} ` });
  const added = { ...kept, key: 'history:{a:by-hand}' };
  await hand.write(added);
  const expected = [
    { kind: 'gap', what: 'visitor', place: deleted.key, count: 1 },
    { kind: 'altered', what: 'visitor', place: altered.key, count: 1 },
    { kind: 'foreign', what: 'visitor', place: added.key, count: 1 },
  ].sort((x, y) => (x.place < y.place ? -1 : 1));
  // One that has watched, the same once more, and one that comes to it anew.
  expect(ofRedis(await watching.pass())).toEqual(expected);
  expect(ofRedis(await watching.pass())).toEqual(expected);
  const report = await shop.audit();
  expect(ofRedis(report)).toEqual(expected);
  expect(report.findings.filter(({ store }) => store !== 'redis')).toEqual([]);

  await hand.delete(added.key);
  for (const stored of [deleted, altered]) await hand.write(stored);
  expect(ofRedis(await watching.pass())).toEqual([]);
}

async function keysOf({ store }: AuditedShop, subtopology: string): Promise<readonly Stored[]> {
  const keys: string[] = [];
  for await (const heads of store.scan())
    for (const { key, owner, isDeleted } of heads)
      if (!isDeleted && !isCheckpointKey(key) && owner?.startsWith(`${subtopology}-`) === true)
        keys.push(key);
  const records = await store.readRecords(keys.sort());
  return records.flatMap((record) =>
    record?.value == null ? [] : [{ ...record, value: record.value, owner: record.owner ?? '' }],
  );
}
