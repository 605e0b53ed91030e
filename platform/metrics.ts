import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { METRICS, type MetricContract, type MetricName } from '../schemas/metrics.ts';

type NameOf<Type extends MetricContract['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
type LabelOf<Name extends MetricName> = (typeof METRICS)[Name]['labels'][number];

export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;

/** The metrics of schemas/metrics.ts, by name, with their labels checked at compile time. */
export interface Metrics {
  readonly registry: Registry;
  counter<Name extends CounterName>(name: Name): Counter<LabelOf<Name>>;
  gauge<Name extends GaugeName>(name: Name): Gauge<LabelOf<Name>>;
  histogram<Name extends HistogramName>(name: Name): Histogram<LabelOf<Name>>;
}

/** A registry of its own with every metric of the contract, and those of the process (memory, event loop, GC). */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, contract] of Object.entries<MetricContract>(METRICS)) {
    const base = { name, help: contract.help, labelNames: [...contract.labels], registers: [registry] };
    if (contract.type === 'counter') counters.set(name, new Counter(base));
    else if (contract.type === 'gauge') gauges.set(name, new Gauge(base));
    else histograms.set(name, new Histogram({ ...base, ...bucketsOf(contract) }));
  }
  return {
    registry,
    counter: (name) => must(counters, name),
    gauge: (name) => must(gauges, name),
    histogram: (name) => must(histograms, name),
  };
}

function bucketsOf(contract: MetricContract): { buckets?: number[] } {
  return contract.buckets === undefined ? {} : { buckets: [...contract.buckets] };
}

function must<T>(metrics: ReadonlyMap<string, T>, name: string): T {
  const metric = metrics.get(name);
  if (metric === undefined) throw new TypeError(`${name} is no metric of this type`);
  return metric;
}
