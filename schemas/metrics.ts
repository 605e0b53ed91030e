/** Every metric by its Prometheus name: base units, low-cardinality labels. platform/metrics.ts makes them. */

export interface MetricContract {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[];
}

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export const METRICS = {
  millrace_ingest_events_total: {
    type: 'counter',
    help: 'Events by answer: accepted, duplicate or rejected.',
    labels: ['result'],
  },
  millrace_ingest_request_seconds: {
    type: 'histogram',
    help: 'Time to answer a request with events, the acknowledgement of Kafka included.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_processed_records_total: {
    type: 'counter',
    help: 'Records read by outcome: ok, dropped, duplicate, late, dead_letter or redirected.',
    labels: ['subtopology', 'outcome'],
  },
  millrace_commit_seconds: {
    type: 'histogram',
    help: 'Time of one commit of a task: sinks acknowledged, transaction done.',
    labels: ['subtopology'],
    buckets: LATENCY_SECONDS,
  },
  millrace_rows_written_total: {
    type: 'counter',
    help: 'Rows acknowledged by ClickHouse.',
    labels: ['table'],
  },
  millrace_clickhouse_statements_total: {
    type: 'counter',
    help: 'Statements that the ClickHouse server in process answered, by user (full, reader) and result.',
    labels: ['user', 'result'],
  },
  millrace_clickhouse_statement_seconds: {
    type: 'histogram',
    help: 'Time of a statement of the ClickHouse server in process, until its answer was handed over.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_online_writes_total: {
    type: 'counter',
    help: 'Writes to the online store by result: applied or stale.',
    labels: ['result'],
  },
  millrace_watermark_lag_seconds: {
    type: 'gauge',
    help: 'Clock minus the lowest watermark of the tasks of a sub-topology.',
    labels: ['subtopology'],
  },
  millrace_consumer_lag_records: {
    type: 'gauge',
    help: 'Records not yet read, over all tasks.',
    labels: ['subtopology'],
  },
  millrace_state_entries: {
    type: 'gauge',
    help: 'Entries in the keyed state of the tasks.',
    labels: ['subtopology'],
  },
  millrace_task_restarts_total: {
    type: 'counter',
    help: 'Tasks started again from their last committed state, by error code.',
    labels: ['code'],
  },
  millrace_audit_gaps: {
    type: 'gauge',
    help: 'Records, rows and keys that were read or said and are missing, by the last pass of the auditor. Must be 0.',
    labels: ['store'],
  },
  millrace_audit_duplicates: {
    type: 'gauge',
    help: 'Records and rows that are there once more, or that no task has said, by the last pass. Must be 0.',
    labels: ['store'],
  },
  millrace_audit_altered: {
    type: 'gauge',
    help: 'Records, rows and keys that read otherwise than what was said, by the last pass of the auditor. Must be 0.',
    labels: ['store'],
  },
  millrace_audit_unproven: {
    type: 'gauge',
    help: 'Records and rows whose content nothing is left to compare with.',
    labels: ['store'],
  },
  millrace_audit_age_seconds: {
    type: 'gauge',
    help: 'Time since the part that was checked longest ago was checked; grows where passes fail.',
    labels: ['store'],
  },
  millrace_audit_pass_seconds: {
    type: 'histogram',
    help: 'Time of one pass of the auditor.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_audit_failures_total: {
    type: 'counter',
    help: 'Passes and checks of the auditor that came to nothing, since a store did not answer, by error code.',
    labels: ['code'],
  },
  millrace_freshness_seconds: {
    type: 'histogram',
    help: 'Event accepted to visible in the online store.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_recommendation_seconds: {
    type: 'histogram',
    help: 'Time to answer a request for recommendations.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_recommendations_total: {
    type: 'counter',
    help: 'Answers by the recommender that filled the first place.',
    labels: ['source'],
  },
  millrace_served_log_dropped_total: {
    type: 'counter',
    help: 'Answers that could not be logged to shop.served.',
    labels: [],
  },
} as const satisfies Record<string, MetricContract>;

export type MetricName = keyof typeof METRICS;
