/** One of the connections of a {@link Lane}. */
export interface Slot<C> {
  connection: C;
}

/**
 * A fixed number of connections of which each runs one statement at a time, opened when first needed and handed out in
 * the order of asking.
 */
export class Lane<C> {
  readonly #open: () => Promise<C>;
  readonly #idle: Slot<C>[] = [];
  readonly #waiting: ((slot: Slot<C>) => void)[] = [];
  #unopened: number;
  readonly #all = new Set<Slot<C>>();

  constructor(size: number, open: () => Promise<C>) {
    this.#unopened = size;
    this.#open = open;
  }

  /** Waits for a free connection; an aborted wait rejects with the signal's reason and takes none. */
  async acquire(signal: AbortSignal): Promise<Slot<C>> {
    signal.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#unopened > 0) return this.#openSlot();
    return new Promise((resolve, reject) => {
      const give = (slot: Slot<C>) => {
        signal.removeEventListener('abort', leave);
        resolve(slot);
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(give), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(give);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  release(slot: Slot<C>): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(slot);
    else next(slot);
  }

  /** Replaces the connection of a slot that is held. */
  async reopen(slot: Slot<C>): Promise<void> {
    slot.connection = await this.#open();
  }

  /** Every connection that was opened. */
  connections(): readonly C[] {
    return [...this.#all].map((slot) => slot.connection);
  }

  async #openSlot(): Promise<Slot<C>> {
    this.#unopened--;
    try {
      const slot = { connection: await this.#open() };
      this.#all.add(slot);
      return slot;
    } catch (error) {
      this.#unopened++;
      throw error;
    }
  }
}
