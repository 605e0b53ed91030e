/**
 * The front of a Map or Set whose oldest entries are taken away one by one. A fresh iterator for each would walk over the
 * holes that the former ones have left, which V8 keeps until it rebuilds the table.
 */
export class OldestFirst {
  readonly #keys: () => Iterator<string, unknown>;
  #iterator: Iterator<string, unknown> | undefined;
  #front: string | undefined;

  /** @param keys a live iterator, as Map and Set give */
  constructor(keys: () => Iterator<string, unknown>) {
    this.#keys = keys;
  }

  /** The first key; whoever takes it away or moves it to the end says so with {@link left}. */
  peek(): string | undefined {
    if (this.#front !== undefined) return this.#front;
    this.#iterator ??= this.#keys();
    const next = this.#iterator.next();
    if (next.done === true) this.#iterator = undefined;
    else this.#front = next.value;
    return this.#front;
  }

  /** A key was deleted, or was deleted and added again. */
  left(key: string): void {
    if (key === this.#front) this.#front = undefined;
  }
}
