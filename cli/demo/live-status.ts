import type { Processors } from '../../processors/start.ts';
import { Progress } from '../progress.ts';
import type { Acknowledged } from './acknowledged.ts';

const REDRAW_MS = 500;

/** The line that the demo redraws while traffic flows. */
export class LiveStatus {
  readonly #timer: NodeJS.Timeout;
  readonly #progress: Progress;
  readonly #acknowledged: Acknowledged;

  constructor(options: {
    readonly processors: Processors;
    readonly acknowledged: Acknowledged;
    readonly seconds?: number;
  }) {
    const { processors, acknowledged } = options;
    this.#acknowledged = acknowledged;
    this.#progress = new Progress('events', { unit: 'events' });
    this.#timer = setInterval(() => {
      const { runner } = processors;
      const waiting = runner.tasks.reduce((sum, task) => sum + task.lagRecords, 0);
      this.#progress.update(
        acknowledged.total,
        `${waiting} waiting, fresh in ${Math.round(runner.online.freshness.quantile(0.99))} ms (p99)`,
      );
    }, REDRAW_MS);
  }

  finish(): void {
    clearInterval(this.#timer);
    this.#progress.finish(this.#acknowledged.total);
  }
}
