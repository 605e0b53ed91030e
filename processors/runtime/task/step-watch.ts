import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { errorText } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/log.ts';

/** Told by tasks where they are, so that someone outside of the event loop can see that they do not come back. */
export interface StepWatch {
  /** A step begins; offset -1 where time and no record is what it works on. */
  enter(topic: string, partition: number, offset: number): void;
  leave(): void;
}

/** A record on which a step did not return, before the process was ended. */
export interface StuckRecord {
  /** Name in the contract. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  readonly timeoutMs: number;
}

export interface StepWatchdogOptions {
  /** A step that takes longer is stuck. */
  readonly timeoutMs: number;
  /** Where records that got stuck are remembered for the next start. */
  readonly file: string;
  /** Contract names of all topics that tasks read. */
  readonly topics: readonly string[];
  readonly log: Logger;
}

const LOOK_MS = 250;
/** Words of the shared memory: number of the present step (0 between steps), topic, partition. */
const STEP = 0;
const TOPIC = 1;
const PARTITION = 2;

/**
 * Ends the process when a step does not return: nothing else can, since a step holds the only thread of the event loop.
 * A thread of its own looks at the step's number in shared memory; when that stands still for too long, it writes down
 * the record and kills the process, whose next start passes the record over to the dead letters. Whatever runs the
 * process must start it again.
 */
export class StepWatchdog implements StepWatch {
  readonly #words = new Int32Array(new SharedArrayBuffer(12));
  readonly #offset = new Float64Array(new SharedArrayBuffer(8));
  readonly #topics: ReadonlyMap<string, number>;
  readonly #worker: Worker;
  #steps = 0;

  constructor(options: StepWatchdogOptions) {
    const { timeoutMs, file, topics, log } = options;
    this.#topics = new Map(topics.map((topic, index) => [topic, index]));
    this.#worker = new Worker(WATCH, {
      eval: true,
      workerData: { words: this.#words, offset: this.#offset, topics, timeoutMs, file, lookMs: LOOK_MS },
    });
    this.#worker.unref();
    this.#worker.on('error', (error) =>
      log.error(
        { error: errorText(error) },
        'nobody watches any more that steps return; start the process again',
      ),
    );
  }

  enter(topic: string, partition: number, offset: number): void {
    const words = this.#words;
    words[TOPIC] = this.#topics.get(topic) ?? -1;
    words[PARTITION] = partition;
    this.#offset[0] = offset;
    this.#steps = (this.#steps % 0x7ffffffe) + 1;
    Atomics.store(words, STEP, this.#steps);
  }

  leave(): void {
    Atomics.store(this.#words, STEP, 0);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The thread: plain CommonJS, since it is started from its text. */
const WATCH = `
const { workerData } = require('node:worker_threads');
const { existsSync, readFileSync, renameSync, writeFileSync, writeSync } = require('node:fs');
const { words, offset, topics, timeoutMs, file, lookMs } = workerData;
let step = 0;
let sinceMs = 0;
setInterval(() => {
  const now = Atomics.load(words, 0);
  const nowMs = performance.now();
  if (now !== step || now === 0) {
    step = now;
    sinceMs = nowMs;
    return;
  }
  if (nowMs - sinceMs < timeoutMs) return;
  const topic = topics[words[1]] ?? 'time';
  const record = { topic, partition: words[2], offset: offset[0], atMs: Date.now(), timeoutMs };
  if (record.offset >= 0) {
    const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
    writeFileSync(file + '.tmp', JSON.stringify([...known, record]), { mode: 0o600 });
    renameSync(file + '.tmp', file);
  }
  const place = record.offset < 0 ? 'while time moved on in partition ' + record.partition
    : 'on ' + topic + '/' + record.partition + ' at offset ' + record.offset;
  writeSync(2, 'MR_PROCESS_STEP_STUCK a step did not return within ' + timeoutMs + ' ms ' + place
    + '; the process ends, and its next start passes the record over\\n');
  process.kill(process.pid, 'SIGKILL');
}, lookMs);
`;

const STUCK = z.array(
  z.object({
    topic: z.string(),
    partition: z.number().int(),
    offset: z.number().int(),
    atMs: z.number(),
    timeoutMs: z.number(),
  }),
);

/** The records that got stuck before this start; none where there is no file. A file that cannot be read is told of. */
export function readStuckRecords(file: string, log: Logger): readonly StuckRecord[] {
  try {
    return STUCK.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing)
      log.warn(
        { file, error: errorText(error) },
        'the list of stuck records cannot be read; delete the file',
      );
    return [];
  }
}
