import { MillraceError } from '../errors.ts';

/** What a command holds beside its text: objects, promise, entries of queues. */
const OVERHEAD_BYTES = 512;

/**
 * Bounds what waits for answers. A server that hangs keeps commands until its connection is given up, longer than their
 * callers wait for them; without a bound the memory of this process would grow with each new call.
 */
export class InFlight {
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Takes a batch of commands in; {@link leave} with its answer is due when all have been answered.
   * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE at once where too much waits already; a batch alone always may
   */
  enter(commands: number, textLength: number): number {
    const bytes = commands * OVERHEAD_BYTES + textLength;
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limitBytes)
      throw new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', 'too many calls wait for Redis already', {
        context: { waitingBytes: this.#bytes, limitBytes: this.#limitBytes },
      });
    this.#bytes += bytes;
    return bytes;
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
  }
}
