import { errorText } from './errors.ts';

/** An item that is to blame for a refusal. */
export interface Refused<T> {
  readonly item: T;
  readonly reason: string;
}

/** When so many items are refused without one that is taken, what takes them is at fault and not the items. */
const MOST_IN_A_ROW = 20;

/** Finds the items of a batch that something else refuses, where it takes batches and refuses them whole. */
export class Sieve<T> {
  readonly #isOfItem: (error: unknown) => boolean;
  #refusedInARow = 0;

  /** @param isOfItem whether a refusal is for what an item holds, so that the others may pass without it */
  constructor(isOfItem: (error: unknown) => boolean) {
    this.#isOfItem = isOfItem;
  }

  /**
   * Passes on the items but for those that are refused: a batch that is refused is halved until the items to blame stand
   * alone, in about log2(items) attempts for each of them.
   * @throws the refusal, where no item is to blame, or one after the other
   */
  async pass(
    items: readonly T[],
    attempt: (items: readonly T[]) => Promise<void>,
  ): Promise<readonly Refused<T>[]> {
    if (items.length === 0) return [];
    try {
      await attempt(items);
      this.#refusedInARow = 0;
      return [];
    } catch (error) {
      if (!this.#isOfItem(error)) throw error;
      if (items.length > 1) {
        const half = Math.ceil(items.length / 2);
        const first = await this.pass(items.slice(0, half), attempt);
        return [...first, ...(await this.pass(items.slice(half), attempt))];
      }
      this.#refusedInARow += 1;
      if (this.#refusedInARow >= MOST_IN_A_ROW) throw error;
      return items.map((item) => ({ item, reason: errorText(error) }));
    }
  }
}
