import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import type { WatermarkMark } from '../time/watermark.ts';
import type { Output } from '../topology.ts';
import { watermarkRecords } from './watermark-record.ts';

/** Topics by their names in the contract. */
interface Topics {
  readonly topicName: (topic: string) => string;
  readonly partitionsOf: (topic: string) => number;
}

/** Without records of its own, a task says so often how its time goes on. */
const CLOCK_INTERVAL_MS = 1000;

/**
 * Tells the readers of a task's topics where its watermark is: with each commit in which it moved, and, when nothing is
 * read, about once a second until the task has nothing left that time alone could make it say. Then it says that it is
 * idle, and readers move with their own clocks.
 */
export class WatermarkSender {
  readonly #outputs: readonly Output[];
  readonly #env: Topics;
  /** What readers take for granted before they hear anything. */
  #last: Pick<WatermarkMark, 'watermarkMs' | 'status'> = { watermarkMs: -Infinity, status: 'active' };
  #lastAtMs = 0;

  constructor(outputs: readonly Output[], env: Topics) {
    this.#outputs = outputs;
    this.#env = env;
  }

  /** Whether a commit is worth making for the watermark alone. */
  isDue(mark: WatermarkMark, nowMs: number): boolean {
    return this.#isNews(mark) && (this.#isTurn(mark) || nowMs - this.#lastAtMs >= CLOCK_INTERVAL_MS);
  }

  /** The records of a commit; none where nothing has changed. */
  take(mark: WatermarkMark, nowMs: number): ProduceRecord[] {
    if (!this.#isNews(mark)) return [];
    this.#last = mark;
    this.#lastAtMs = nowMs;
    return this.#outputs.flatMap(({ topic, holdMs = 0 }) =>
      watermarkRecords(
        this.#env.topicName(topic),
        this.#env.partitionsOf(topic),
        { ...mark, watermarkMs: mark.watermarkMs - holdMs },
        nowMs,
      ),
    );
  }

  #isNews(mark: WatermarkMark): boolean {
    if (this.#outputs.length === 0) return false;
    // Of an idle task the clock moves on; its readers have clocks of their own.
    return this.#isTurn(mark) || (mark.status !== 'idle' && mark.watermarkMs > this.#last.watermarkMs);
  }

  #isTurn(mark: WatermarkMark): boolean {
    return this.#last.status !== mark.status;
  }
}
