import {
  historyKey,
  itemKey,
  recentAlertsKey,
  type ItemCard,
  type RecentAlerts,
} from '../../../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../../../schemas/topics.ts';
import { decodeEvent } from '../../../../schemas/wire-format.ts';
import type { MillraceEvent } from '../../../../schemas/generated/events.ts';
import { deviceHistories, historyFault, see, type History } from './histories.ts';
import type { Case } from './case.ts';
import { readEvents, readTopic } from './stores.ts';
import { lastStates } from './windows.ts';

const MAX_RECENT = 100;
const CHUNK = 500;

/** What must be said of the value of a key; undefined where it is right. */
type Check = (value: string | null) => string | undefined;

/** Keys whose values are functions of the events. Answers how many were compared. */
export async function checkKeys(theCase: Case): Promise<number> {
  const { events, kafka, findings, store, nameOf } = theCase;
  const checks = new Map<string, Check>();
  for (const [id, history] of deviceHistories(events))
    checks.set(historyKey({ kind: 'a', id }), (value) => historyFault(history, value));
  // By what their tasks were told, which is compared with the events on its own.
  const acts = await readEvents(kafka, nameOf('millrace.user-activity'));
  for (const [id, history] of userHistories(acts))
    checks.set(historyKey({ kind: 'u', id }), (value) => historyFault(history, value));
  for (const [itemId, { title, category, price, active }] of lastStates(events).items) {
    const card: ItemCard = {
      ...{ title, category, priceMinor: price.amountMinor, currency: price.currency, active },
    };
    checks.set(itemKey(itemId), (value) => cardFault(card, value));
  }
  for (const [partition, ids] of await newestAlerts(theCase))
    checks.set(recentAlertsKey(partition), (value) => alertsFault(ids, value));
  const keys = [...checks.keys()];
  for (let at = 0; at < keys.length; at += CHUNK) {
    const chunk = keys.slice(at, at + CHUNK);
    const values = await store.readMany(chunk);
    chunk.forEach((key, index) => {
      const fault = checks.get(key)?.(values[index] ?? null);
      if (fault !== undefined) findings.add('wrong-redis-key', `${key} ${fault}`);
    });
  }
  return keys.length;
}

function userHistories(acts: readonly MillraceEvent[]): ReadonlyMap<string, History> {
  const histories = new Map<string, History>();
  for (const act of acts) {
    if (act.type !== 'UserActed' || act.action === 'carted') continue;
    const { userId, itemId, action: kind, eventTime: atMs } = act;
    see(histories, userId, { kind, itemId, atMs });
  }
  return histories;
}

function cardFault(wanted: ItemCard, value: string | null): string | undefined {
  if (value === null) return 'is missing';
  const found = JSON.parse(value) as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(wanted).find(([name, is]) => found[name] !== is);
  return wrong && `has ${wrong[0]} ${String(found[wrong[0]])}, not ${String(wrong[1])}`;
}

/** By partition, newest first. */
async function newestAlerts({ kafka, nameOf }: Case): Promise<ReadonlyMap<number, readonly string[]>> {
  const byPartition = new Map<number, string[]>();
  for (const { partition, record } of await readTopic(kafka, nameOf(SHOP_TOPICS.alerts.name))) {
    const event = decodeEvent(record.value);
    if (event.type !== 'AlertRaised') continue;
    byPartition.set(partition, [event.alertId, ...(byPartition.get(partition) ?? [])].slice(0, MAX_RECENT));
  }
  return byPartition;
}

function alertsFault(wanted: readonly string[], value: string | null): string | undefined {
  if (value === null) return 'is missing';
  const found = (JSON.parse(value) as RecentAlerts).alerts.map(({ alertId }) => alertId);
  return found.join() === wanted.join()
    ? undefined
    : `has ${found.length} alerts, not the ${wanted.length} newest`;
}
