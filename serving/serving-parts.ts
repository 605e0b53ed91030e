import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Logger } from '../platform/log.ts';
import type { AlertHub } from './alerts/alert-hub.ts';
import type { FallbackMemory } from './fallback-memory.ts';
import type { OnlineReader } from './online-reader.ts';
import type { PopularItems } from './popular-items.ts';
import type { ServedLog } from './served-log.ts';

/** What the routes share. */
export interface ServingParts {
  readonly reader: OnlineReader;
  readonly memory: FallbackMemory;
  readonly popular: PopularItems;
  readonly servedLog: ServedLog;
  readonly hub: AlertHub;
  readonly clickhouse: ClickHouse | undefined;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Logger;
  /** Counts one answer by the recommender of its first item, `none` where it is empty. */
  readonly observeAnswer: (source: string, seconds: number) => void;
}
