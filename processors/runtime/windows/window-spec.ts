/** Values that describe a window. They are checked when they are made and can be printed and compared. */
import { calendarDays } from './calendar-days.ts';

interface Described {
  /** Kind and measures, such as `tumbling(60000)`: state of another layout is not compatible. */
  readonly layout: string;
  /** How far behind the watermark of its task the event time of a result may be, ms. */
  readonly holdMs: number;
}

interface Graceful {
  /** How long after its end, in event time, a window still takes events; 0 where absent. */
  readonly graceMs?: number;
}

interface Correctable extends Graceful {
  /** How long after it was closed, in event time, a late event still corrects the result; 0 where absent. */
  readonly correctionsMs?: number;
}

export interface TumblingWindow extends Described, Required<Correctable> {
  readonly kind: 'tumbling';
  readonly sizeMs: number;
  readonly offsetMs: number;
}

export interface DailyWindow extends Described, Required<Correctable> {
  readonly kind: 'daily';
  readonly timeZone: string;
}

export interface HoppingWindow extends Described, Required<Correctable> {
  readonly kind: 'hopping';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface SlidingWindow extends Described, Required<Graceful> {
  readonly kind: 'sliding';
  readonly sizeMs: number;
}

export interface SessionWindow extends Described, Required<Graceful> {
  readonly kind: 'session';
  readonly gapMs: number;
}

export interface CountWindow extends Described {
  readonly kind: 'count';
  readonly size: number;
  readonly slide: number;
  readonly idleMs: number | undefined;
}

export type WindowSpec =
  | TumblingWindow
  | DailyWindow
  | HoppingWindow
  | SlidingWindow
  | SessionWindow
  | CountWindow;

export interface TumblingOptions extends Correctable {
  readonly sizeMs: number;
  /** Moves all windows; from 0 to less than the size, 0 where absent. */
  readonly offsetMs?: number;
}

/**
 * Windows side by side: [n·size + offset, (n+1)·size + offset).
 * @throws RangeError
 */
export function tumbling(options: TumblingOptions): TumblingWindow {
  const { sizeMs, offsetMs = 0, graceMs = 0, correctionsMs = 0 } = options;
  whole('tumbling: sizeMs', sizeMs, 1);
  whole('tumbling: offsetMs', offsetMs, 0, sizeMs - 1);
  checkLateness('tumbling', graceMs, correctionsMs);
  const layout = `tumbling(${sizeMs}${offsetText(offsetMs)})`;
  const holdMs = graceMs + correctionsMs;
  return Object.freeze({ kind: 'tumbling', sizeMs, offsetMs, graceMs, correctionsMs, layout, holdMs });
}

export interface DailyOptions extends Correctable {
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/**
 * The calendar days of a time zone. Days on which its clocks are changed have 23 or 25 hours.
 * @throws RangeError
 */
export function daily({ timeZone, graceMs = 0, correctionsMs = 0 }: DailyOptions): DailyWindow {
  try {
    calendarDays(timeZone);
  } catch (cause) {
    throw new RangeError(`daily: timeZone must be an IANA name such as Europe/Berlin, not ${timeZone}`, {
      cause,
    });
  }
  checkLateness('daily', graceMs, correctionsMs);
  const holdMs = graceMs + correctionsMs;
  return Object.freeze({
    kind: 'daily',
    timeZone,
    graceMs,
    correctionsMs,
    layout: `daily(${timeZone})`,
    holdMs,
  });
}

export interface HoppingOptions extends Correctable {
  readonly sizeMs: number;
  /** From the start of a window to that of the next; at most the size. */
  readonly slideMs: number;
  /** Moves all windows; from 0 to less than the slide, 0 where absent. */
  readonly offsetMs?: number;
}

/**
 * Overlapping windows: [n·slide + offset, n·slide + offset + size). The first is the one that starts at 0 or, with an
 * offset, the last one that starts before.
 * @throws RangeError
 */
export function hopping(options: HoppingOptions): HoppingWindow {
  const { sizeMs, slideMs, offsetMs = 0, graceMs = 0, correctionsMs = 0 } = options;
  whole('hopping: sizeMs', sizeMs, 1);
  whole('hopping: slideMs', slideMs, 1, sizeMs);
  whole('hopping: offsetMs', offsetMs, 0, slideMs - 1);
  checkLateness('hopping', graceMs, correctionsMs);
  const layout = `hopping(${sizeMs},${slideMs}${offsetText(offsetMs)})`;
  const holdMs = graceMs + correctionsMs;
  return Object.freeze({
    kind: 'hopping',
    sizeMs,
    slideMs,
    offsetMs,
    graceMs,
    correctionsMs,
    layout,
    holdMs,
  });
}

export interface SlidingOptions extends Graceful {
  readonly sizeMs: number;
}

/**
 * For each event time t of a key what happened from t - size to t, both included.
 * @throws RangeError
 */
export function sliding({ sizeMs, graceMs = 0 }: SlidingOptions): SlidingWindow {
  whole('sliding: sizeMs', sizeMs, 0);
  whole('sliding: graceMs', graceMs, 0);
  return Object.freeze({ kind: 'sliding', sizeMs, graceMs, layout: `sliding(${sizeMs})`, holdMs: graceMs });
}

export interface SessionOptions extends Graceful {
  /** Events of a key that are at most this far apart belong to one session. */
  readonly gapMs: number;
}

/**
 * Bursts of activity of a key; sessions merge when an event closes the gap between them.
 * @throws RangeError
 */
export function session({ gapMs, graceMs = 0 }: SessionOptions): SessionWindow {
  whole('session: gapMs', gapMs, 1);
  whole('session: graceMs', graceMs, 0);
  const holdMs = gapMs + graceMs;
  return Object.freeze({ kind: 'session', gapMs, graceMs, layout: `session(${gapMs})`, holdMs });
}

export interface CountOptions {
  /** Events in a window. */
  readonly size: number;
  /** Events from the start of a window to that of the next; at most the size, and the size where absent. */
  readonly slide?: number;
  /**
   * Event time after the last event of a key from which on its window counts as ended: what is in it is emitted and
   * the key forgotten. Keys are kept for good where absent.
   */
  readonly idleMs?: number;
}

/**
 * Windows of so many events of a key, in the order in which they come; nothing is late. A result may be of any event
 * time, so that a topic that is written from them says nothing of the time of its records (`holdMs` is 0).
 * @throws RangeError
 */
export function countWindow({ size, slide = size, idleMs }: CountOptions): CountWindow {
  whole('countWindow: size', size, 1);
  whole('countWindow: slide', slide, 1, size);
  if (idleMs !== undefined) whole('countWindow: idleMs', idleMs, 1);
  const layout = slide === size ? `count(${size})` : `count(${size},${slide})`;
  return Object.freeze({ kind: 'count', size, slide, idleMs, layout, holdMs: 0 });
}

function checkLateness(kind: string, graceMs: number, correctionsMs: number): void {
  whole(`${kind}: graceMs`, graceMs, 0);
  whole(`${kind}: correctionsMs`, correctionsMs, 0);
}

function whole(what: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RangeError(`${what} must be a whole number ${range}, not ${value}`);
}

function offsetText(offsetMs: number): string {
  return offsetMs === 0 ? '' : `,offset=${offsetMs}`;
}
