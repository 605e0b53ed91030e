import type { PlainThresholds } from './grafana-types.ts';

export interface Limits {
  /** From here on yellow: look at it today. */
  readonly warning: number;
  /** From here on red: look at it now. */
  readonly critical: number;
  /** True where low values are the bad ones. */
  readonly lowIsBad?: boolean;
}

/** Colours mean one thing on every panel: green fine, yellow warning, red critical. */
export function thresholdSteps(limits: Limits | undefined): PlainThresholds {
  if (limits === undefined) return { mode: 'absolute', steps: [{ color: 'blue', value: null }] };
  const { warning, critical } = limits;
  const steps =
    limits.lowIsBad === true
      ? [
          { color: 'red', value: null },
          { color: 'yellow', value: critical },
          { color: 'green', value: warning },
        ]
      : [
          { color: 'green', value: null },
          { color: 'yellow', value: warning },
          { color: 'red', value: critical },
        ];
  return { mode: 'absolute', steps };
}
