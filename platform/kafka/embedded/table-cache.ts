import type { BatchTable } from './batch-table.ts';
import { ENTRY_BYTES } from './batch-table.ts';
import { readTable } from './segment-index.ts';
import { scanSegment } from './segment-scan.ts';
import { Segment, type SegmentPart } from './segment.ts';

/** The tables of closed segments that were asked for lately; bounded, least recently used out first. */
export class TableCache {
  readonly #maxBytes: number;
  readonly #tables = new Map<SegmentPart, BatchTable>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** For `Segment`: the table of a part that is not in memory. */
  readonly load = (segment: Segment, part: SegmentPart): BatchTable | Promise<BatchTable> => {
    const cached = this.#tables.get(part);
    if (cached === undefined) return this.#read(segment, part);
    this.#tables.delete(part);
    this.#tables.set(part, cached);
    return cached;
  };

  forget(segment: Segment): void {
    for (const part of segment.parts.values()) {
      const table = this.#tables.get(part);
      if (table === undefined) continue;
      this.#tables.delete(part);
      this.#bytes -= sizeOf(table);
    }
  }

  async #read(segment: Segment, part: SegmentPart): Promise<BatchTable> {
    const stored = part.stored === undefined ? undefined : await readTable(segment, part.stored);
    const table = stored ?? rescan(segment, part);
    if (!this.#tables.has(part)) this.#bytes += sizeOf(table);
    this.#tables.set(part, table);
    for (const [oldest, evicted] of this.#tables) {
      if (this.#bytes <= this.#maxBytes || oldest === part) break;
      this.#tables.delete(oldest);
      this.#bytes -= sizeOf(evicted);
    }
    return table;
  }
}

/** The index is damaged: the segment itself still knows. */
function rescan(segment: Segment, part: SegmentPart): BatchTable {
  const copy = new Segment(segment.dir, segment.identity, () => {
    throw segment.corrupt('a scanned segment has all its tables', 0);
  });
  scanSegment(copy);
  const table = copy.part(part.topicId, part.partition)?.table;
  if (table === undefined) throw segment.corrupt('a segment of the log lost a partition', 0);
  return table;
}

function sizeOf(table: BatchTable): number {
  return table.count * ENTRY_BYTES;
}
