/**
 * How much memory each process may hold, in MiB of resident memory, under the traffic of bench/memory. The containers
 * of docker-compose.yml are limited to it; docs/memory.md explains what it is spent on.
 */
export const MEMORY_BUDGET_MB = {
  ingest: 256,
  processors: 1024,
  serving: 256,
  /** `millrace clickhouse`. */
  clickhouse: 2048,
  /** Everything in one process, the engines included. */
  demo: 2048,
} as const;

export type BudgetedProcess = keyof typeof MEMORY_BUDGET_MB;
