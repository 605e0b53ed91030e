import type { KeyedStore } from '../state/keyed-store.ts';

const ENTRY = 'closed';

/**
 * How far windows have closed: those that end at or before the horizon have, and events for them are late. It is kept
 * with the state, so that after a change of the grace it is still known which windows have been emitted.
 */
export class CloseHorizon {
  readonly #store: Pick<KeyedStore<number>, 'get' | 'set'>;
  readonly #graceMs: number;
  #ms = Number.NEGATIVE_INFINITY;
  #emittedMs = Number.NEGATIVE_INFINITY;

  constructor(store: Pick<KeyedStore<number>, 'get' | 'set'>, graceMs: number) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  /** Windows that end at or before this take no more events. */
  get ms(): number {
    return this.#ms;
  }

  /** Windows that end at or before this were closed before the restart. */
  get emittedMs(): number {
    return this.#emittedMs;
  }

  restore(watermarkMs: number): void {
    const behindMs = watermarkMs - this.#graceMs;
    this.#emittedMs = this.#store.get(ENTRY) ?? behindMs;
    this.#ms = Math.max(this.#emittedMs, behindMs);
  }

  /** Moves it to where the watermark is; never back. */
  advance(watermarkMs: number): number {
    this.#ms = Math.max(this.#ms, watermarkMs - this.#graceMs);
    return this.#ms;
  }

  save(): void {
    if (Number.isFinite(this.#ms) && this.#store.get(ENTRY) !== this.#ms) this.#store.set(ENTRY, this.#ms);
  }
}
