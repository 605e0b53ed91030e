import type { LogRecord } from '../port.ts';

/** How much of a partition one read may bring. */
export interface ReadLimits {
  readonly maxRecords: number;
  /** Exclusive: records from here on are left out. */
  readonly endOffset: number;
}

export interface ReadResult {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
}

/** A read stops after the block that brings it over this many bytes. */
export const MAX_READ_BYTES = 1024 * 1024;

/** The result of a read that its record limit ended inside a block. */
export function stoppedAt(records: readonly LogRecord[], offset: number): ReadResult {
  return { records, nextOffset: (records.at(-1)?.offset ?? offset - 1) + 1 };
}
