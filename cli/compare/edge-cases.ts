import { JOB_TIMES } from './jobs.ts';

const { windowMs, graceMs, sessionGapMs, joinDistanceMs } = JOB_TIMES;

/** One event of a case. */
export interface EdgeEvent {
  readonly side: 'left' | 'right';
  /** Event time, milliseconds after the instant of the case. */
  readonly atMs: number;
  /** When it is written, milliseconds after the instant of the case; equal to `atMs` for an event that is not late. */
  readonly arrivesAtMs: number;
}

/**
 * Events of one key of its own around an instant that is the end of a tumbling and of a hopping window. An event whose
 * `atMs` equals its `arrivesAtMs` carries the greatest event time of its partition so far; the event that is listed
 * after it with the same `arrivesAtMs` meets exactly that stream time.
 */
export interface EdgeCase {
  readonly name: string;
  readonly events: readonly EdgeEvent[];
}

const left = (atMs: number, arrivesAtMs = atMs): EdgeEvent => ({ side: 'left', atMs, arrivesAtMs });
const right = (atMs: number, arrivesAtMs = atMs): EdgeEvent => ({ side: 'right', atMs, arrivesAtMs });

/** What passes before a window that ends, or a session that stands, at the instant is closed. */
const windowClosedMs = graceMs;
const sessionClosedMs = sessionGapMs + graceMs;

const windowCases: readonly EdgeCase[] = [
  { name: 'window-end', events: [left(-1), left(0), left(windowMs - 1)] },
  { name: 'window-open', events: [left(-graceMs), left(windowClosedMs - 1), left(-1, windowClosedMs - 1)] },
  { name: 'window-closed', events: [left(-graceMs), left(windowClosedMs), left(-1, windowClosedMs)] },
  { name: 'window-closed-empty', events: [left(windowClosedMs), left(-windowMs, windowClosedMs)] },
];

const sessionCases: readonly EdgeCase[] = [
  { name: 'gap-exact', events: [left(0), left(sessionGapMs)] },
  { name: 'gap-over', events: [left(0), left(sessionGapMs + 1)] },
  { name: 'gap-exact-before', events: [left(0), left(4000), left(-sessionGapMs, 4000)] },
  { name: 'gap-over-before', events: [left(0), left(4000), left(-sessionGapMs - 1, 4000)] },
  { name: 'session-last-moment', events: [left(sessionClosedMs), left(0, sessionClosedMs)] },
  { name: 'session-too-late', events: [left(sessionClosedMs + 1), left(0, sessionClosedMs + 1)] },
  // Older than any session of its own could be, but it lengthens one that is still open.
  { name: 'session-open', events: [left(0), left(sessionClosedMs - 1), left(-2500, sessionClosedMs - 1)] },
  // Young enough for a session of its own; the one that it would have met is closed.
  { name: 'session-closed', events: [left(0), left(sessionClosedMs), left(2000, sessionClosedMs)] },
  { name: 'session-bridge', events: [left(0), left(5000), left(6500), left(2500, 6500)] },
];

const farMs = 60_000;

const joinCases: readonly EdgeCase[] = [
  { name: 'join-bound-after', events: [left(0), right(joinDistanceMs)] },
  { name: 'join-bound-before', events: [right(0), left(joinDistanceMs)] },
  { name: 'join-over-after', events: [left(0), right(joinDistanceMs + 1)] },
  { name: 'join-over-before', events: [right(0), left(joinDistanceMs + 1)] },
  { name: 'join-same-times', events: [left(0), left(0), right(500), right(500), right(500)] },
  { name: 'join-late-right', events: [left(0), left(5500), right(1000, 5500)] },
  { name: 'join-late-left', events: [right(0), right(5500), left(1000, 5500)] },
  { name: 'join-late-alone', events: [left(-500), left(4500, 4500), left(0, 4500)] },
  { name: 'join-lost', events: [left(farMs), left(0, farMs), right(farMs + 1), right(100, farMs + 1)] },
];

/** Every exact boundary of the windows, sessions and joins, at least once on each side of it. */
export const EDGE_CASES: readonly EdgeCase[] = [...windowCases, ...sessionCases, ...joinCases];
