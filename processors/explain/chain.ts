import type { LogReader } from '../../platform/kafka/log-reader.ts';
import type { AlertRaised, MillraceEvent } from '../../schemas/generated/events.ts';
import { namespaced, SHOP_TOPICS } from '../../schemas/topics.ts';
import { decodeEvent, WireFormatError } from '../../schemas/wire-format.ts';
import { rangesOf, read } from './find-alert.ts';

/** A record that an alert names as evidence. */
export interface Link {
  /** The id by which the alert names it. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly event: MillraceEvent;
}

export interface Chain {
  /** By event time. */
  readonly links: readonly Link[];
  /** Ids that nothing in the log has any more. */
  readonly missing: readonly string[];
  /** Whether the time was up before everything was read. */
  readonly isCut: boolean;
}

/** Where what an alert of a kind names is to be found, and by which id. */
const SOURCES: Readonly<
  Record<string, { readonly topic: string; readonly idOf: (event: MillraceEvent) => string }>
> = {
  'card-velocity-burst': {
    topic: SHOP_TOPICS.payments.name,
    idOf: (event) => ('paymentId' in event ? event.paymentId : ''),
  },
  'parcel-silent': { topic: SHOP_TOPICS.shipments.name, idOf: ({ eventId }) => eventId },
};

/** The records that an alert names as its evidence, as far as they are still in the log. */
export async function findChain(
  log: LogReader,
  namespace: string,
  { alert, isTimeUp }: { readonly alert: AlertRaised; readonly isTimeUp: () => boolean },
): Promise<Chain> {
  const source = SOURCES[alert.kind];
  if (source === undefined) return { links: [], missing: alert.evidence, isCut: false };
  const topic = namespaced(namespace, source.topic);
  const links: Link[] = [];
  const wanted = alert.evidence.map((id) => ({ id, bytes: Buffer.from(id) }));
  let isCut = false;
  for (const { partition } of await rangesOf(log, topic)) {
    for await (const { value, offset } of read(log, { topic, partition })) {
      if ((isCut ||= isTimeUp())) break;
      // Reading all of it is dear: the bytes of the id are looked for first.
      if (value === null || !wanted.some(({ bytes }) => value.includes(bytes))) continue;
      const event = eventIn(value);
      const id = event && source.idOf(event);
      if (event === undefined || !wanted.some((one) => one.id === id)) continue;
      links.push({ id: id ?? '', topic, partition, offset, event });
    }
  }
  const found = new Set(links.map(({ id }) => id));
  return {
    links: links.sort((a, b) => a.event.eventTime - b.event.eventTime),
    missing: alert.evidence.filter((id) => !found.has(id)),
    isCut,
  };
}

/** Undefined for what cannot be read: it has gone to the dead letters. */
function eventIn(value: Buffer): MillraceEvent | undefined {
  try {
    return decodeEvent(value);
  } catch (error) {
    if (error instanceof WireFormatError) return undefined;
    throw error;
  }
}
