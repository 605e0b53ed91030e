import { errorText } from './errors.ts';
import type { Logger } from './log.ts';

/** Anything with an end of life. */
export interface Closable {
  close(): Promise<void>;
}

/**
 * Closes what was started, the newest first, once. A close that fails is logged and does not keep the others open.
 */
export class Lifetime {
  readonly #parts: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  readonly #log: Logger;
  #closing: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Also takes a part after close() has begun, as when a signal interrupts a start: it is closed as well. */
  add<T extends Closable>(name: string, part: T): T {
    this.#parts.push({ name, close: () => part.close() });
    if (this.#closing !== undefined) this.#closing = this.#closing.then(() => this.#closeAll());
    return part;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      try {
        await part.close();
      } catch (error) {
        this.#log.error(
          { part: part.name, error: errorText(error) },
          'a part failed to close; its last work may be repeated at the next start',
        );
      }
    }
  }
}

/** Resolves with the signal's name at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (seen) process.exit(130);
      seen = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
