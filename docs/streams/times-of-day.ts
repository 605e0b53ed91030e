/** Times of the manual: all of one day, so that chapters and their results can be read aloud. */
import type { ReadRecord } from '../../processors/runtime/testing/topology-driver.ts';
import type { WindowResult } from '../../processors/runtime/windows/index.ts';

/** `10:00:30` as epoch ms. */
export function at(time: string): number {
  return Date.parse(`2026-01-01T${time}Z`);
}

/** Epoch ms as `10:00:30`. */
export function clock(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 19) : 'never';
}

/** Results of windows as lines: `10:00:00–10:01:00 shoes 3 watermark`. */
export function lines<R>(records: readonly ReadRecord<WindowResult<R>>[]): readonly string[] {
  return records.map(({ value }) => {
    if (value === null) return 'nothing';
    const { key, windowStartMs, windowEndMs, reason } = value;
    return `${clock(windowStartMs)}–${clock(windowEndMs)} ${key} ${JSON.stringify(value.value)} ${reason}`;
  });
}
