import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import type { StepResult } from '../step-result.ts';
import { deadLetter, lateRecord, redirected, type Fault, type RawRecord } from './dead-letter.ts';
import { refusalLetter, type Refusal } from './refusals.ts';
import { deadResult, lateResult, type Result } from './result-aside.ts';
import type { TaskOutputs } from './task-outputs.ts';

/** What one task has done since it started, by outcome. */
export interface TaskCounters {
  ok: number;
  dropped: number;
  duplicate: number;
  late: number;
  deadLetter: number;
  redirected: number;
  /** What time and no record caused, such as the result of a window, and a step behind it was late or failed. */
  lateResult: number;
  deadResult: number;
  /** Records, rows and online values that it said and that their targets refused for good. */
  refused: number;
}

export interface OutcomesOptions {
  /** Its name, for the dead letters. */
  readonly subtopology: string;
  readonly partition: number;
  /** Contract name of the topic beside which results of the task are put aside. */
  readonly firstInput: string;
  readonly outputs: TaskOutputs;
  /** Of the task. */
  readonly watermarkMs: () => number;
  readonly topicName: (topic: string) => string;
  readonly now: () => number;
}

/** The one place that carries out what steps say of records, and counts it. */
export class Outcomes {
  readonly counters: TaskCounters = {
    ok: 0,
    dropped: 0,
    duplicate: 0,
    late: 0,
    deadLetter: 0,
    redirected: 0,
    lateResult: 0,
    deadResult: 0,
    refused: 0,
  };
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  carryOut(result: StepResult, raw: RawRecord): void {
    const { outputs, watermarkMs } = this.#options;
    switch (result.kind) {
      case 'ok':
        this.counters.ok += 1;
        return;
      case 'drop':
        this.counters.dropped += 1;
        return;
      case 'late':
        this.counters.late += 1;
        outputs.produceVital(lateRecord(raw, { watermarkMs: watermarkMs(), ...result }, this.#side()));
        return;
      case 'dead-letter':
        this.deadLetter(raw, { ...result, step: 'process' });
        return;
      case 'redirect':
        this.counters.redirected += 1;
        outputs.produceRaw(redirected(raw, result.topic, this.#side()));
    }
  }

  deadLetter(raw: RawRecord, fault: Fault): void {
    const { subtopology, outputs } = this.#options;
    this.counters.deadLetter += 1;
    outputs.produceVital(deadLetter(raw, { ...fault, subtopology }, this.#side()));
  }

  /** The dead letter of what a target refused; the caller has it committed. */
  refused(refusal: Refusal): ProduceRecord {
    this.counters.refused += 1;
    return refusalLetter(refusal, this.#options, this.#side());
  }

  /** What a step says of something that no record caused. */
  carryOutByTime(result: StepResult, about: Result): void {
    const { subtopology, outputs, watermarkMs, partition, firstInput } = this.#options;
    const place = { topic: firstInput, partition };
    if (result.kind === 'late') {
      this.counters.lateResult += 1;
      const window = { watermarkMs: watermarkMs(), ...result };
      outputs.produceVital(lateResult(place, about, { ...this.#side(), window }));
    } else if (result.kind === 'dead-letter') {
      this.counters.deadResult += 1;
      const fault = { ...result, step: 'process' } as const;
      outputs.produceVital(deadResult(place, about, { ...this.#side(), fault, subtopology }));
    }
  }

  #side(): { topicName: (topic: string) => string; nowMs: number } {
    return { topicName: this.#options.topicName, nowMs: this.#options.now() };
  }
}
