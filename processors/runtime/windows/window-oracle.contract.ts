/** What windows should say, by brute force: every kind looks at all events for every result. */
import type {
  CountWindow,
  DailyWindow,
  HoppingWindow,
  SessionWindow,
  SlidingWindow,
  TumblingWindow,
} from './index.ts';

/** An event as it comes: `id` is its place in the order of arrival. */
export interface Arrival {
  readonly id: number;
  readonly key: string;
  readonly timeMs: number;
  /** When it came. */
  readonly watermarkMs: number;
}

export interface Expected {
  /** Ids of late events. */
  readonly late: ReadonlySet<number>;
  /** Ids of events that corrected a closed window. */
  readonly correcting?: ReadonlySet<number>;
  /** Ids of the events of each final result, by `key/start/end`. */
  readonly rows: ReadonlyMap<string, string>;
}

type Rows = Map<string, number[]>;

export function expectEvenWindows(
  spec: TumblingWindow | HoppingWindow,
  arrivals: readonly Arrival[],
): Expected {
  const slideMs = spec.kind === 'tumbling' ? spec.sizeMs : spec.slideMs;
  const firstStartMs = spec.offsetMs === 0 ? 0 : spec.offsetMs - slideMs;
  const rows: Rows = new Map();
  const late = new Set<number>();
  const correcting = new Set<number>();
  for (const { id, key, timeMs, watermarkMs } of arrivals) {
    let isLate = true;
    for (let startMs = firstStartMs; startMs <= timeMs; startMs += slideMs) {
      const endMs = startMs + spec.sizeMs;
      if (timeMs >= endMs || endMs + spec.graceMs + spec.correctionsMs <= watermarkMs) continue;
      if (endMs + spec.graceMs > watermarkMs) isLate = false;
      else correcting.add(id);
      put(rows, `${key}/${startMs}/${endMs}`, id);
    }
    if (isLate) late.add(id);
  }
  return { late, correcting, rows: texts(rows) };
}

/** Rows are by date: `key/2025-03-30`. */
export function expectDays(spec: DailyWindow, arrivals: readonly Arrival[]): Expected {
  const rows: Rows = new Map();
  const late = new Set<number>();
  const correcting = new Set<number>();
  const date = dateIn(spec.timeZone);
  for (const { id, key, timeMs, watermarkMs } of arrivals) {
    const behindMs = watermarkMs - spec.graceMs;
    // A day is over when the calendar shows another one.
    const isOver = behindMs > timeMs && date(behindMs) !== date(timeMs);
    const correctedMs = behindMs - spec.correctionsMs;
    if (isOver) late.add(id);
    if (isOver && correctedMs > timeMs && date(correctedMs) !== date(timeMs)) continue;
    if (isOver) correcting.add(id);
    put(rows, `${key}/${date(timeMs)}`, id);
  }
  return { late, correcting, rows: texts(rows) };
}

const dates = new Map<string, (timeMs: number) => string>();

/** The date that the calendar of a zone shows. */
export function dateIn(timeZone: string): (timeMs: number) => string {
  const known = dates.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const texts = new Map<number, string>();
  const dateAt = (timeMs: number) => {
    const date = texts.get(timeMs) ?? (Number.isFinite(timeMs) ? format.format(timeMs) : String(timeMs));
    texts.set(timeMs, date);
    return date;
  };
  dates.set(timeZone, dateAt);
  return dateAt;
}

export function expectSliding(spec: SlidingWindow, arrivals: readonly Arrival[]): Expected {
  const rows: Rows = new Map();
  const late = new Set<number>();
  const isOpen = (timeMs: number, watermarkMs: number) => timeMs + 1 + spec.graceMs > watermarkMs;
  for (const one of arrivals) {
    if (!isOpen(one.timeMs + spec.sizeMs, one.watermarkMs)) late.add(one.id);
    if (!isOpen(one.timeMs, one.watermarkMs)) continue;
    const startMs = one.timeMs - spec.sizeMs;
    const inside = arrivals.filter(
      ({ key, timeMs, watermarkMs }) =>
        key === one.key && timeMs >= startMs && timeMs <= one.timeMs && isOpen(one.timeMs, watermarkMs),
    );
    rows.set(
      `${one.key}/${Math.max(0, startMs)}/${one.timeMs}`,
      inside.map(({ id }) => id),
    );
  }
  return { late, rows: texts(rows) };
}

export function expectSessions(spec: SessionWindow, arrivals: readonly Arrival[]): Expected {
  const rows: Rows = new Map();
  const late = new Set<number>();
  let open: Arrival[][] = [];
  let watermarkMs = Number.NEGATIVE_INFINITY;
  const lastOf = (group: readonly Arrival[]) => Math.max(...group.map(({ timeMs }) => timeMs));
  const close = (toMs: number) => {
    for (const group of open) {
      const times = group.map(({ timeMs }) => timeMs);
      if (lastOf(group) + spec.gapMs + spec.graceMs > toMs) continue;
      const row = `${group[0]?.key ?? ''}/${Math.min(...times)}/${Math.max(...times)}`;
      for (const { id } of group) put(rows, row, id);
    }
    open = open.filter((group) => lastOf(group) + spec.gapMs + spec.graceMs > toMs);
  };
  for (const arrival of arrivals) {
    if (arrival.watermarkMs > watermarkMs) close(arrival.watermarkMs);
    watermarkMs = arrival.watermarkMs;
    const isNear = (group: readonly Arrival[]) =>
      group.some(({ key, timeMs }) => key === arrival.key && Math.abs(timeMs - arrival.timeMs) <= spec.gapMs);
    const group = [arrival, ...open.filter(isNear).flat()];
    if (lastOf(group) < watermarkMs - spec.gapMs - spec.graceMs) {
      late.add(arrival.id);
      continue;
    }
    open = [...open.filter((other) => !isNear(other)), group];
  }
  close(Number.POSITIVE_INFINITY);
  return { late, rows: texts(rows) };
}

/** The ids of each result of a key in the order in which they are said. */
export function expectCounts(
  spec: CountWindow,
  arrivals: readonly Arrival[],
): ReadonlyMap<string, readonly string[]> {
  const said = new Map<string, string[]>();
  const keys = new Map<string, Arrival[]>();
  const put = (key: string, events: readonly Arrival[]) => {
    const list = said.get(key) ?? [];
    said.set(key, list);
    list.push(text(events.map(({ id }) => id)));
  };
  const endIdle = (toMs: number) => {
    for (const [key, events] of keys) {
      const latestMs = Math.max(...events.map(({ timeMs }) => timeMs));
      if (latestMs + (spec.idleMs ?? Number.POSITIVE_INFINITY) > toMs) continue;
      keys.delete(key);
      const starts = events.map((_, index) => index).filter((index) => index % spec.slide === 0);
      const full = starts.filter((start) => start + spec.size <= events.length);
      const seen = full.length === 0 ? 0 : (full[full.length - 1] ?? 0) + spec.size;
      if (seen < events.length) put(key, events.slice(full.length * spec.slide));
    }
  };
  let watermarkMs = Number.NEGATIVE_INFINITY;
  for (const arrival of arrivals) {
    if (arrival.watermarkMs > watermarkMs) endIdle(arrival.watermarkMs);
    watermarkMs = arrival.watermarkMs;
    const events = [...(keys.get(arrival.key) ?? []), arrival];
    keys.set(arrival.key, events);
    const start = events.length - spec.size;
    if (start >= 0 && start % spec.slide === 0) put(arrival.key, events.slice(start));
  }
  endIdle(Number.MAX_SAFE_INTEGER);
  return said;
}

function put(rows: Rows, row: string, id: number): void {
  const ids = rows.get(row) ?? [];
  ids.push(id);
  rows.set(row, ids);
}

function texts(rows: Rows): Map<string, string> {
  return new Map([...rows].map(([row, ids]) => [row, text(ids)]));
}

function text(ids: readonly number[]): string {
  return [...ids].sort((a, b) => a - b).join(' ');
}
