import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../platform/errors.ts';
import type { AccountReader } from './account-reader.ts';
import {
  findingId,
  type AuditCheck,
  type AuditLine,
  type CheckFailure,
  type CheckResult,
  type Finding,
} from './finding.ts';

export interface AuditorOptions {
  readonly accounts: AccountReader;
  readonly checks: readonly AuditCheck[];
  readonly now: () => number;
  /** Between a first look that finds something and the second, which must find it too. */
  readonly settleMs: number;
}

/** The outcome of one pass. */
export interface AuditReport {
  readonly lines: readonly AuditLine[];
  readonly findings: readonly Finding[];
  /** Checks of which nothing is known since a store did not answer. */
  readonly failures: readonly CheckFailure[];
  readonly atMs: number;
  readonly seconds: number;
}

/**
 * Proves what is in the stores by what tasks have committed, one pass after the other. A commit under way changes what is
 * seen from one moment to the next: whatever is found is looked at again, and only what is found twice is told.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /**
   * Passes are made one at a time. A store that does not answer fails its checks and no others.
   * @throws what the log fails with, since nothing can be checked without it
   */
  pass(signal?: AbortSignal): Promise<AuditReport> {
    const run = this.#last.then(() => this.#pass(signal));
    this.#last = run.catch(() => undefined); // its caller has the error
    return run;
  }

  async #pass(signal?: AbortSignal): Promise<AuditReport> {
    const { accounts, checks, now } = this.#options;
    const startedMs = performance.now();
    const lines: AuditLine[] = [];
    const findings: Finding[] = [];
    const failures: CheckFailure[] = [];
    await accounts.refresh();
    for (const check of checks) {
      signal?.throwIfAborted();
      try {
        const result = await this.#settled(check, signal);
        lines.push(...result.lines);
        findings.push(...result.findings);
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retryable) throw error;
        failures.push({ check: check.name, code: error.code, reason: error.message });
      }
    }
    return { lines, findings, failures, atMs: now(), seconds: (performance.now() - startedMs) / 1000 };
  }

  async #settled(check: AuditCheck, signal?: AbortSignal): Promise<CheckResult> {
    const first = await check.run({ isAgain: false });
    if (first.findings.length === 0) return first;
    await sleep(this.#options.settleMs, undefined, signal === undefined ? {} : { signal });
    await this.#options.accounts.refresh();
    const again = await check.run({ isAgain: true });
    const found = new Set(first.findings.map(findingId));
    return { lines: again.lines, findings: again.findings.filter((one) => found.has(findingId(one))) };
  }
}
