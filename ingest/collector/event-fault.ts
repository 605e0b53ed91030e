import type { ErrorCode } from '../../platform/errors.ts';

/** What is wrong with one event of a request. */
export interface EventFault {
  readonly code: Extract<ErrorCode, `MR_INGEST_${string}`>;
  /** Path of the field, such as `lines[0].quantity`; absent where the whole event is wrong. */
  readonly field?: string;
  /** Names the field and what it needs; never the value. */
  readonly message: string;
}
