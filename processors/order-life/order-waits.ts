import type { KeyedStore } from '../runtime/state/keyed-store.ts';
import type { StatefulPart } from '../runtime/stateful-part.ts';
import { DueKeys } from '../runtime/windows/due-queue.ts';
import type { OrderState } from './order-state.ts';
import { waitOf, type OrderLimits } from './order-status.ts';

export interface OrderWaitsOptions {
  readonly limits: OrderLimits;
  /** Time to live of orders. */
  readonly ttlMs: number;
  /** Told of each order that is stuck as of a watermark, and again perhaps of one that was stuck before. */
  readonly onDue: (orderId: string, order: OrderState, watermarkMs: number) => void;
}

/**
 * Event timers of orders that wait for a step. They follow from the state of the orders and are an index of it: timers in
 * a store of their own would be a second record of the changelog for nearly every event.
 */
export class OrderWaits implements StatefulPart {
  readonly #orders: KeyedStore<OrderState>;
  readonly #options: OrderWaitsOptions;
  readonly #due = new DueKeys();

  constructor(orders: KeyedStore<OrderState>, options: OrderWaitsOptions) {
    this.#orders = orders;
    this.#options = options;
  }

  get isPending(): boolean {
    return this.#due.size > 0;
  }

  /** An order as it is now. */
  note(orderId: string, order: OrderState, watermarkMs: number): void {
    const { limits, ttlMs } = this.#options;
    const dueMs = waitOf(order, limits)?.dueMs;
    // A promise for after the end of what is known of the order cannot be missed.
    if (dueMs !== undefined && dueMs > watermarkMs && dueMs < order.updatedMs + ttlMs)
      this.#due.offer(orderId, dueMs);
  }

  rebuild(watermarkMs: number): void {
    for (const [orderId, order] of this.#orders.entries()) this.note(orderId, order, watermarkMs);
  }

  advance(watermarkMs: number): void {
    const { limits, onDue } = this.#options;
    for (let due = this.#due.popDue(watermarkMs); due !== undefined; due = this.#due.popDue(watermarkMs)) {
      const order = this.#orders.get(due.item);
      const dueMs = order && waitOf(order, limits)?.dueMs;
      if (order === undefined || dueMs === undefined) continue;
      if (dueMs <= watermarkMs) onDue(due.item, order, watermarkMs);
      else this.note(due.item, order, watermarkMs);
    }
  }
}
