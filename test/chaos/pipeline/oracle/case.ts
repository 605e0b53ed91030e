import type { IngestedEvent } from '../../../../ingest/public-event.ts';
import type { ClickHouse } from '../../../../platform/clickhouse/port.ts';
import type { Kafka } from '../../../../platform/kafka/port.ts';
import type { OnlineStore } from '../../../../platform/online-store/port.ts';
import type { Book } from '../acknowledgements.ts';
import type { Findings } from './findings.ts';
import type { LateRecord, TimeSettings } from './lateness.ts';

export interface Evidence {
  readonly book: Book;
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly times: TimeSettings;
}

/** The case as the checks see it. */
export interface Case extends Evidence {
  readonly findings: Findings;
  /** Acknowledged events, each once, in the order in which the producer decided on them. */
  readonly events: readonly IngestedEvent[];
  readonly late: readonly LateRecord[];
  readonly nameOf: (topic: string) => string;
}
