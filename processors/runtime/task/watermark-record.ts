import type { LogRecord, ProduceRecord } from '../../../platform/kafka/port.ts';
import type { WatermarkMark } from '../time/marks.ts';

/** Header of a record that carries nothing but the watermark of the task that wrote it. */
const WATERMARK = 'mr-watermark';
const TASK = 'mr-task';
const STATUS = 'mr-status';
/** A task that has seen no event has no watermark yet. */
const NONE = 'none';

/** One record for each partition of a topic: all readers must hear of it, whatever keys they read. */
export function watermarkRecords(
  topic: string,
  partitions: number,
  mark: WatermarkMark,
  nowMs: number,
): ProduceRecord[] {
  const headers = {
    [WATERMARK]: Number.isFinite(mark.watermarkMs) ? String(mark.watermarkMs) : NONE,
    [TASK]: mark.from,
    [STATUS]: mark.status,
  };
  return Array.from({ length: partitions }, (_, partition) => ({
    topic,
    partition,
    key: null,
    value: null,
    headers,
    timestampMs: nowMs,
  }));
}

/** The watermark that a record carries; undefined where it is a record of its own. */
export function watermarkOf({ headers }: LogRecord): WatermarkMark | undefined {
  const text = headers[WATERMARK];
  if (text === undefined) return undefined;
  const watermarkMs = text === NONE ? Number.NEGATIVE_INFINITY : Number(text);
  const status = headers[STATUS];
  return {
    from: headers[TASK] ?? '',
    watermarkMs,
    status: status === 'idle' || status === 'clock' ? status : 'active',
  };
}
