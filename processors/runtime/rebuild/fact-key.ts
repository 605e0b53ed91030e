/** Columns that tell facts apart: the ORDER BY of their tables. */
export const FACT_KEY = ['_topic', '_partition', '_offset', '_ordinal'] as const;
