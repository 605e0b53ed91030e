/**
 * Rows of a small shop with totals that can be counted by hand; the tests run every query on them. The first row of
 * a window table is a stale version of the second. The tests write the first row of every table a second time, as after
 * a crash.
 */
import { customerRows } from './sample-shop/customers.ts';
import { factRows } from './sample-shop/facts.ts';
import type { RowsByTable } from './sample-shop/rows.ts';
import { auditSamples, pipelineSamples } from './sample-shop/samples.ts';
import { windowRows } from './sample-shop/windows.ts';

/** Rows by table of a range that ends at `toMs` (epoch ms, a whole minute). */
export function sampleShop(toMs: number): RowsByTable {
  return {
    ...factRows(toMs),
    ...windowRows(toMs),
    ...customerRows(toMs),
    pipeline_samples: pipelineSamples(toMs),
    audit_samples: auditSamples(toMs),
  };
}
