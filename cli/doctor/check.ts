/** A line of `millrace doctor`. */
export interface Check {
  /** `node`, `disk`, `kafka`, `port 8080` … */
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was found, in one line. */
  readonly found: string;
  /** What to do next; absent where nothing is to be done. */
  readonly fix?: string;
}

/** A check of a backing system, with what a program wants to know about it. */
export interface SystemCheck extends Check {
  readonly kind: 'real' | 'embedded';
  readonly where: string;
  readonly version?: string;
  /** Milliseconds of one round trip on an open connection. */
  readonly latencyMs?: number;
  /** Error code of a failure. */
  readonly code?: string;
}
