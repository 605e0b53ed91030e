import { hasCode } from '../errors.ts';
import type { Row } from './port.ts';

/** A row that its table takes under no circumstances. */
export interface RefusedRow {
  readonly table: string;
  /** The very object that was added. */
  readonly row: Row;
  /** What ClickHouse says, without anything that the row holds. */
  readonly reason: string;
}

/**
 * Error numbers by which ClickHouse says that a value does not fit its column. Anything else, such as a table or a column
 * that is not there, is no fault of a row.
 */
const BAD_VALUE = new Set([
  6, // CANNOT_PARSE_TEXT
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  128, // TOO_LARGE_ARRAY_SIZE
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
  675, // CANNOT_PARSE_IPV4
  676, // CANNOT_PARSE_IPV6
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);
/** Whether a refusal is for a value that an insert holds. */
export function isOfValue(error: unknown): boolean {
  return (
    hasCode(error, 'MR_CLICKHOUSE_QUERY_FAILED') && BAD_VALUE.has(Number(error.context['clickhouseCode']))
  );
}
