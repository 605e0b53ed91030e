/** Histories of devices and users as the online store must hold them, recomputed from events in any order. */
import type { IngestedEvent } from '../../../../ingest/public-event.ts';

/** Items with the last time at which they were seen or bought. */
type Times = Map<string, number>;

export interface History {
  readonly viewed: Times;
  readonly bought: Times;
}
type Histories = Map<string, History>;

const MAX = { viewed: 50, bought: 200 } as const;

export function see(histories: Histories, key: string, act: Act): void {
  const history = histories.get(key) ?? {
    viewed: new Map<string, number>(),
    bought: new Map<string, number>(),
  };
  histories.set(key, history);
  const times = history[act.kind];
  times.set(act.itemId, Math.max(times.get(act.itemId) ?? 0, act.atMs));
}

export interface Act {
  readonly kind: keyof History;
  readonly itemId: string;
  readonly atMs: number;
}

/** By device: what its views say, and the orders placed with it. */
export function deviceHistories(events: readonly IngestedEvent[]): Histories {
  const histories: Histories = new Map();
  for (const event of events) {
    const atMs = event.eventTime;
    if (event.type === 'ProductViewed' && !event.bot && !event.internal)
      see(histories, event.anonymousId, { kind: 'viewed', itemId: event.itemId, atMs });
    else if (event.type === 'OrderPlaced' && event.anonymousId !== null)
      for (const { itemId } of event.lines)
        see(histories, event.anonymousId, { kind: 'bought', itemId, atMs });
  }
  return histories;
}

interface Stored {
  readonly viewed: readonly { readonly itemId: string; readonly atMs: number }[];
  readonly bought: readonly { readonly itemId: string; readonly atMs: number }[];
}

/**
 * What is wrong with a stored history; undefined where it is right. It must hold the newest items, each once and with its last
 * time, newest first; of items with the same time any order will do, and at the end of a full list any choice.
 */
export function historyFault(wanted: History, value: string | null): string | undefined {
  if (value === null) return 'is missing';
  const stored = JSON.parse(value) as Stored;
  return listFault('viewed', wanted, stored) ?? listFault('bought', wanted, stored);
}

function listFault(kind: keyof History, wanted: History, stored: Stored): string | undefined {
  const all = [...wanted[kind]].map(([itemId, atMs]) => ({ itemId, atMs })).sort((a, b) => b.atMs - a.atMs);
  const times = all.slice(0, MAX[kind]).map(({ atMs }) => atMs);
  const list = stored[kind];
  const found = list.map(({ atMs }) => atMs);
  if (times.join() !== found.join())
    return `${kind} has ${list.length} items at other times than the ${times.length} wanted: ${difference(all, list)}`;
  if (new Set(list.map(({ itemId }) => itemId)).size !== list.length) return `${kind} has an item twice`;
  const wrong = list.find(({ itemId, atMs }) => wanted[kind].get(itemId) !== atMs);
  return wrong === undefined ? undefined : `${kind} has ${wrong.itemId} at ${wrong.atMs}`;
}

function difference(wanted: Stored['viewed'], found: Stored['viewed']): string {
  const textOf = ({ itemId, atMs }: Stored['viewed'][number]) => `${itemId}@${atMs}`;
  const [left, right] = [new Set(wanted.map(textOf)), new Set(found.map(textOf))];
  const missing = [...left].filter((text) => !right.has(text)).slice(0, 3);
  const extra = [...right].filter((text) => !left.has(text)).slice(0, 3);
  return `without ${missing.join(' ') || 'nothing'}, with ${extra.join(' ') || 'nothing'} too many`;
}
