/** What answers behind a port. Free of secrets: `millrace doctor` shows it. */
export interface EngineInfo {
  /** The product: `Apache Kafka`, `embedded log`, `Redis`, `chdb`, `PGlite` … */
  readonly engine: string;
  /** As the engine itself states it; `unknown` where it does not say. */
  readonly version: string;
  /** host:port, or the folder of an embedded engine. */
  readonly where: string;
}
