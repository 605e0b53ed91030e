import { describe, expect, it } from 'vitest';
import { METRICS } from '../schemas/metrics.ts';
import { createMetrics } from './metrics.ts';

describe('createMetrics', () => {
  it('registers every metric of the contract with its help and type', async () => {
    const text = await createMetrics().registry.metrics();
    for (const [name, { help, type }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}`);
    }
  });

  it('counts, sets and observes by label', async () => {
    const metrics = createMetrics();
    metrics.counter('millrace_processed_records_total').inc({ subtopology: 'sessions', outcome: 'late' }, 3);
    metrics.gauge('millrace_consumer_lag_records').set({ subtopology: 'sessions' }, 7);
    metrics.histogram('millrace_recommendation_seconds').observe(0.004);
    const text = await metrics.registry.metrics();
    expect(text).toContain('millrace_processed_records_total{subtopology="sessions",outcome="late"} 3');
    expect(text).toContain('millrace_consumer_lag_records{subtopology="sessions"} 7');
    expect(text).toContain('millrace_recommendation_seconds_bucket{le="0.0025"} 0');
    expect(text).toContain('millrace_recommendation_seconds_bucket{le="0.005"} 1');
  });

  it('keeps registries apart, and refuses a label that the contract does not have', async () => {
    const first = createMetrics();
    first.counter('millrace_rows_written_total').inc({ table: 'clicks' });
    expect(await createMetrics().registry.metrics()).not.toContain('clicks');
    // @ts-expect-error no such label
    expect(() => first.counter('millrace_rows_written_total').inc({ user: 'u' })).toThrow(/label/);
    // @ts-expect-error a counter, not a gauge
    expect(() => first.gauge('millrace_rows_written_total')).toThrow(TypeError);
  });

  it('has the metrics of the process', async () => {
    expect(await createMetrics().registry.metrics()).toContain('nodejs_eventloop_lag_seconds');
  });
});
