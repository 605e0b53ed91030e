/** Where progress goes: stderr, so that stdout keeps the result alone. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** What is counted: `events`, `rows`. */
  readonly unit: string;
  /** How many there will be; where it is unknown, rate and count are shown without a bar. */
  readonly total?: number;
  readonly target?: ProgressTarget;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5000;
const BAR_CELLS = 24;

/**
 * A progress line of a long command: on a terminal one line that is redrawn, elsewhere a line every five seconds.
 * It draws only when it is told something, so it needs no timer and cannot keep a process alive.
 */
export class Progress {
  readonly #label: string;
  readonly #options: ProgressOptions;
  readonly #target: ProgressTarget;
  readonly #now: () => number;
  readonly #startedMs: number;
  #drawnMs: number;
  #done = 0;
  #remark = '';

  constructor(label: string, options: ProgressOptions) {
    this.#label = label;
    this.#options = options;
    this.#target = options.target ?? process.stderr;
    this.#now = options.now ?? (() => performance.now());
    this.#startedMs = this.#now();
    this.#drawnMs = this.#isTerminal ? -Infinity : this.#startedMs;
  }

  get #isTerminal(): boolean {
    return this.#target.isTTY === true;
  }

  /** Tells how many are done in all, and what else there is to say. */
  update(done: number, remark = ''): void {
    this.#done = done;
    this.#remark = remark;
    const intervalMs = this.#isTerminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
    if (this.#now() - this.#drawnMs >= intervalMs) this.#draw();
  }

  /** Draws the last line with the mean rate and ends it. */
  finish(done: number = this.#done): void {
    this.#done = done;
    this.#draw();
    if (this.#isTerminal) this.#target.write('\n');
  }

  #draw(): void {
    this.#drawnMs = this.#now();
    const counts = progressLine(this.#label, {
      unit: this.#options.unit,
      done: this.#done,
      total: this.#options.total,
      elapsedMs: this.#now() - this.#startedMs,
    });
    const line = this.#remark === '' ? counts : `${counts}  ${this.#remark}`;
    // Erases the rest of the line (ECMA-48 EL), so that a shorter text leaves nothing of a longer one.
    const width = (this.#target.columns ?? 120) - 1;
    this.#target.write(this.#isTerminal ? `\r${line.slice(0, width)}\u001B[K` : `${line}\n`);
  }
}

export interface ProgressState {
  readonly unit: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly elapsedMs: number;
}

/** One line: label, bar and percentage, count, mean rate, time left. */
export function progressLine(label: string, state: ProgressState): string {
  const { done, total, elapsedMs, unit } = state;
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const rate = `${formatCount(perSecond)} ${unit}/s`;
  if (total === undefined || total <= 0) return `${label}  ${formatCount(done)} ${unit}  ${rate}`;
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * BAR_CELLS);
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}]`;
  const percent = `${Math.floor(share * 100)}%`.padStart(5);
  const left = perSecond > 0 && done < total ? `  ${formatSeconds((total - done) / perSecond)} left` : '';
  return `${label} ${bar}${percent}  ${formatCount(done)} of ${formatCount(total)} ${unit}  ${rate}${left}`;
}

/** 950, 1,234, 1.23 M: short, and never more exact than it is read. */
export function formatCount(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return Math.round(value).toLocaleString('en-US');
}

/** 45 s, 3 min 20 s, 2 h 5 min. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Shows what is under way a line at a time: redrawn on a terminal, elsewhere each text once and at most every second. */
export class ProgressLine {
  readonly #target: ProgressTarget;
  readonly #now: () => number;
  #lastText = '';
  #lastMs = -Infinity;

  constructor(target: ProgressTarget = process.stderr, now: () => number = () => performance.now()) {
    this.#target = target;
    this.#now = now;
  }

  show(text: string): void {
    if (text === this.#lastText) return;
    if (this.#target.isTTY === true) this.#target.write(`\r${text}\u001B[K`);
    else if (this.#now() - this.#lastMs >= 1000) this.#target.write(`${text}\n`);
    else return;
    this.#lastText = text;
    this.#lastMs = this.#now();
  }

  /** Clears the line of a terminal. */
  finish(): void {
    if (this.#target.isTTY === true && this.#lastText !== '') this.#target.write('\r\u001B[K');
    this.#lastText = '';
  }
}
