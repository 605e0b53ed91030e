/**
 * What moves the time of a task: its events (`active`), the clock, while time alone may still make it say something
 * (`clock`), or the clock, and nothing comes from it until it says otherwise (`idle`): then it holds nobody back.
 */
export type TimeStatus = 'active' | 'clock' | 'idle';

/** What an upstream task says of its time, in the topics that it writes. */
export interface WatermarkMark {
  readonly from: string;
  /** -Infinity before its first event. */
  readonly watermarkMs: number;
  readonly status: TimeStatus;
}

/** Watermarks of upstream tasks, as JSON: `[watermark or null, status]` by input and task. */
export type SavedUpstream = Readonly<
  Record<string, Readonly<Record<string, readonly [number | null, TimeStatus]>>>
>;

/** The time of a task as its state keeps it; what is not finite is left out. */
export interface SavedTime {
  /** Of all inputs together; -Infinity before the first event. */
  readonly watermarkMs: number;
  /** Of each scope, by its key. */
  readonly scopes: Readonly<Record<string, number>>;
  /** Latest event time of each input that carries no watermarks: a silent input is not read again. */
  readonly events: Readonly<Record<string, number>>;
  /** What upstream tasks have said: their marks are not read again. */
  readonly upstream: SavedUpstream;
}

/** The lowest watermark of the tasks that are not idle; the highest of all where every one is. */
export function upstreamTime(
  marks: ReadonlyMap<string, WatermarkMark>,
): Pick<WatermarkMark, 'watermarkMs' | 'status'> {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let all: TimeStatus = 'idle';
  for (const { watermarkMs, status } of marks.values()) {
    highest = Math.max(highest, watermarkMs);
    if (status === 'idle') continue;
    lowest = Math.min(lowest, watermarkMs);
    if (all !== 'active') all = status;
  }
  return { watermarkMs: all === 'idle' ? highest : lowest, status: all };
}

/** Of a task that has said nothing yet. */
export function unheard(from: string): WatermarkMark {
  return { from, watermarkMs: Number.NEGATIVE_INFINITY, status: 'active' };
}
