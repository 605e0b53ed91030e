/** A row by column name; times are epoch milliseconds. */
export type Row = Readonly<Record<string, unknown>>;
export type RowsByTable = Readonly<Record<string, readonly Row[]>>;

export const MINUTE_MS = 60_000;
