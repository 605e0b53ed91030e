import type { PublicEvent } from '../../ingest/public-event.ts';
import { factTable } from './audit.ts';

/** What the collector acknowledged in this run: the other side of the audit. */
export class Acknowledged {
  readonly #byTable = new Map<string, Set<string>>();
  #total = 0;

  /** Events acknowledged, also those that are no facts (items, users, links). */
  get total(): number {
    return this.#total;
  }

  /** eventIds by fact table. */
  get byTable(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#byTable;
  }

  add(event: PublicEvent): void {
    this.#total += 1;
    const table = factTable(event.type);
    if (table === undefined) return;
    const ids = this.#byTable.get(table);
    if (ids === undefined) this.#byTable.set(table, new Set([event.eventId]));
    else ids.add(event.eventId);
  }
}
