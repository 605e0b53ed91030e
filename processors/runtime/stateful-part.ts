/** Why time moved: by events, or by the clock because every input is silent. */
export type TimeReason = 'watermark' | 'idle';

/**
 * A part of a processor that keeps state and follows time: windows, joins, timers. All state is in stores of the
 * context; whatever else the part holds is an index that `rebuild` makes from them, and that copes with entries that
 * the stores no longer have or have anew (a step that throws is rolled back in the stores alone).
 */
export interface StatefulPart {
  /** After a restore, before the first record. */
  rebuild?(watermarkMs: number): void;
  /** The watermark has moved. Called in the order in which the parts were attached. */
  advance?(watermarkMs: number, reason: TimeReason): void;
  /** The clock has moved; called every few milliseconds between records. */
  tick?(nowMs: number): void;
  /** Before each commit: the place to hand out what was coalesced. */
  beforeCommit?(): void;
  /** Whether the passing of event time alone would make it say something: an open window, a timer. */
  readonly isPending?: boolean;
}
