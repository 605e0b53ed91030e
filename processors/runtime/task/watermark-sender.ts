import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import type { WatermarkMark } from '../time/marks.ts';
import { watermarkRecords } from './watermark-record.ts';

/** Topics by their names in the contract. */
interface Topics {
  readonly topicName: (topic: string) => string;
  readonly partitionsOf: (topic: string) => number;
}

/** A topic that others of the application read, and what is to be said of its time now. */
export interface TimedOutput {
  /** Name in the contract. */
  readonly topic: string;
  readonly mark: () => WatermarkMark;
}

/** Without records of its own, a task says so often how its time goes on. */
const CLOCK_INTERVAL_MS = 1000;

/**
 * Tells the readers of a task's topics where its watermark is, for each topic that of the inputs that reach it: with
 * each commit in which it moved, and, when nothing is read, about once a second until the task has nothing left that
 * time alone could make it say. Then it says that it is idle, and readers move with their own clocks.
 */
export class WatermarkSender {
  readonly #told: readonly Told[];
  readonly #env: Topics;

  constructor(outputs: readonly TimedOutput[], env: Topics) {
    this.#told = outputs.map((output) => ({ ...output, last: UNHEARD, lastAtMs: 0 }));
    this.#env = env;
  }

  /** Whether a commit is worth making for a watermark alone. */
  isDue(nowMs: number): boolean {
    return this.#told.some((told) => {
      const mark = told.mark();
      return isNews(told, mark) && (isTurn(told, mark) || nowMs - told.lastAtMs >= CLOCK_INTERVAL_MS);
    });
  }

  /** The records of a commit; none where nothing has changed. */
  take(nowMs: number): ProduceRecord[] {
    return this.#told.flatMap((told) => {
      const mark = told.mark();
      if (!isNews(told, mark)) return [];
      told.last = mark;
      told.lastAtMs = nowMs;
      const { topicName, partitionsOf } = this.#env;
      return watermarkRecords(topicName(told.topic), partitionsOf(told.topic), mark, nowMs);
    });
  }
}

interface Told extends TimedOutput {
  last: Pick<WatermarkMark, 'watermarkMs' | 'status'>;
  lastAtMs: number;
}

/** What readers take for granted before they hear anything. */
const UNHEARD: Told['last'] = { watermarkMs: Number.NEGATIVE_INFINITY, status: 'active' };

function isNews(told: Told, mark: WatermarkMark): boolean {
  // Of an idle task the clock moves on; its readers have clocks of their own.
  return isTurn(told, mark) || (mark.status !== 'idle' && mark.watermarkMs > told.last.watermarkMs);
}

function isTurn({ last }: Told, mark: WatermarkMark): boolean {
  return last.status !== mark.status;
}
