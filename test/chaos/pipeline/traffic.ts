import type { Random } from '../../../platform/random.ts';
import { takeEvent, type IngestedEvent, type PublicEvent } from '../../../ingest/public-event.ts';
import { uuidV7 } from '../../../platform/uuid-v7.ts';
import type { Intended } from './acknowledgements.ts';

const LATE_SHARE = 0.02;
const LATE_BY_MS = [90_000, 900_000] as const;
const POISON_SHARE = 0.001;
/** Copies in the same request, of a record of the last seconds, and of any record of this process. */
const REPEATED_AT_ONCE = 0.01;
const REPEATED_SOON = 0.02;
const REPEATED_LATER = 0.005;
const RECENT = 500;
/** Tables change now and then: one item and one user in so many ticks. */
const TABLE_CHANGE_SHARE = 0.05;

export interface TrafficOptions {
  readonly random: Random;
  /** Of all items and users, as they were first. */
  readonly tables: readonly PublicEvent[];
  /** Unique for each process. */
  readonly prefix: string;
}

/** What one request carries: new records, and copies of records that went before. */
export interface Shipment {
  readonly fresh: readonly Intended[];
  readonly copies: readonly Intended[];
}

/** Makes the traffic of a shop unkind: late events, changes of tables, records that nobody can read, duplicates. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #sent: Intended[] = [];
  #poisons = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  next(events: readonly PublicEvent[], nowMs: number): Shipment {
    const { random } = this.#options;
    const fresh: Intended[] = [];
    for (const event of [...events, ...this.#tableChanges(nowMs)]) {
      fresh.push(this.#intended(event, nowMs));
      if (random.chance(POISON_SHARE)) fresh.push(this.#poison());
    }
    const copies: Intended[] = [];
    for (const record of fresh) {
      if (record.event !== undefined && random.chance(REPEATED_AT_ONCE)) copies.push(record);
      if (random.chance(REPEATED_SOON)) copies.push(...this.#oneOf(RECENT));
      if (random.chance(REPEATED_LATER)) copies.push(...this.#oneOf(this.#sent.length));
    }
    return { fresh, copies };
  }

  /** Everything of it was acknowledged: from now on it may be repeated. */
  acknowledged(records: readonly Intended[]): void {
    this.#sent.push(...records.filter(({ event }) => event !== undefined));
  }

  #oneOf(newest: number): readonly Intended[] {
    const among = Math.min(newest, this.#sent.length);
    const record = this.#sent[this.#sent.length - 1 - this.#options.random.int(among)];
    return record === undefined ? [] : [record];
  }

  #intended(event: PublicEvent, nowMs: number): Intended {
    const taken = takeEvent(event, nowMs);
    const { random } = this.#options;
    if (!canBeLate(taken) || !random.chance(LATE_SHARE)) return { id: taken.eventId, event: taken };
    const eventTime = taken.eventTime - Math.round(random.between(...LATE_BY_MS));
    return { id: taken.eventId, event: { ...taken, eventTime }, isLate: true };
  }

  #poison(): Intended {
    const id = `poison-${this.#options.prefix}-${this.#poisons++}`;
    return { id, poison: { key: id, text: `no event: ${id}` } };
  }

  #tableChanges(nowMs: number): readonly PublicEvent[] {
    const { random, tables } = this.#options;
    if (!random.chance(TABLE_CHANGE_SHARE)) return [];
    const items = tables.filter((event) => event.type === 'ItemUpserted');
    const users = tables.filter((event) => event.type === 'UserUpserted');
    const head = () => ({ eventId: uuidV7(nowMs, random.bytes(10)), eventTime: nowMs });
    const item = random.pick(items);
    const amountMinor = 1 + random.int(100_000);
    return [
      { ...item, ...head(), price: { ...item.price, amountMinor }, active: random.chance(0.9) },
      { ...random.pick(users), ...head(), segment: random.pick(['consumer', 'business', 'vip']) },
    ];
  }
}

/** Tables have no windows, and links no time of their own that matters. */
function canBeLate({ type }: IngestedEvent): boolean {
  return type !== 'ItemUpserted' && type !== 'UserUpserted' && type !== 'IdentityLinked';
}
