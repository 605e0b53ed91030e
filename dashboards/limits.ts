/** Limits that the panels' colours and the alert rules share, so that red on a screen and an alert are one thing. */
import type { Limits } from './model/thresholds.ts';

export const LIMITS = {
  /** Event accepted to visible in the online store, 99th percentile, milliseconds. */
  freshnessMs: { warning: 5000, critical: 15_000 },
  /** Clock minus the lowest watermark, seconds. Windows close this much late. */
  watermarkLagSeconds: { warning: 30, critical: 120 },
  /** Records not read yet. */
  lagRecords: { warning: 10_000, critical: 100_000 },
  /** Dead letters in the range shown: one is one too many. */
  deadLetters: { warning: 1, critical: 1 },
  /** Differences found by the auditor: one is one too many. */
  auditDifferences: { warning: 1, critical: 1 },
  /** Time since the part that was checked longest ago was checked, seconds. */
  auditAgeSeconds: { warning: 120, critical: 600 },
  /** Longest commit of a task, milliseconds. */
  commitMs: { warning: 1000, critical: 5000 },
  /** Age of the newest click, seconds. */
  newestRowSeconds: { warning: 30, critical: 120 },
  /** Age of the newest sample of the pipeline, seconds. */
  samplesSeconds: { warning: 30, critical: 60 },
  /** Seconds without an order while carts and checkouts move. */
  orderSilenceSeconds: { warning: 300, critical: 600 },
  /** Share of payments that fail. */
  failedPayments: { warning: 0.05, critical: 0.15 },
  /** Share of visitors who order. */
  conversion: { warning: 0.02, critical: 0.005, lowIsBad: true },
  /** Orders that wait for a step longer than they may. */
  stuckOrders: { warning: 1, critical: 25 },
  /** Share of promised deliveries that came in time. */
  onTime: { warning: 0.95, critical: 0.85, lowIsBad: true },
  /** Time of an answer of the recommender, 99th percentile, microseconds. */
  answerMicros: { warning: 20_000, critical: 100_000 },
} as const satisfies Readonly<Record<string, Limits>>;
