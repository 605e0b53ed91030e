import { timedOut } from './postgres-error.ts';

/** First come, first served: one holder at a time. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /**
   * Resolves with what gives the turn back; giving it back twice does nothing.
   * @throws MillraceError MR_POSTGRES_UNAVAILABLE when the turn has not come within the time
   */
  async take(operation: string, timeoutMs: number): Promise<() => void> {
    if (this.#taken) await this.#wait(operation, timeoutMs);
    this.#taken = true;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken = false;
      else next();
    };
  }

  #wait(operation: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        const index = this.#waiting.indexOf(begin);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        reject(timedOut(operation, timeoutMs));
      }, timeoutMs);
      this.#waiting.push(begin);
    });
  }
}
