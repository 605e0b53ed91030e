import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import type { Config } from '../../platform/config.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { INTERNAL_TOPICS, deadLetterTopic, lateTopic, namespaced } from '../../schemas/topics.ts';
import { shopApplication } from '../application.ts';
import { FACT_MAPPINGS } from '../fact-mappings.ts';
import {
  AccountReader,
  Auditor,
  FactCheck,
  InputCheck,
  OnlineCheck,
  TopicCheck,
  WindowCheck,
  type AuditCheck,
} from '../runtime/audit/index.ts';
import type { Subtopology } from '../runtime/topology.ts';
import { shopTopology } from '../topologies.ts';

export interface ShopAuditorOptions {
  readonly config: Config;
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
  readonly now: () => number;
  /** How much one pass does: what it may read of each table, and of the log before it began. */
  readonly depth: AuditDepth;
  /** Checks of other stores. */
  readonly more?: readonly AuditCheck[];
  /** Facts and windows of this table alone. */
  readonly table?: string;
}

export interface AuditDepth {
  /** Rows of a table in one pass; the rest takes its turn in the next ones. */
  readonly maxRows: number;
  /** Offsets of facts that one pass makes anew for each table. */
  readonly maxRemade: number;
  /** Offsets of each partition that the first pass reads back. */
  readonly maxBacklog: number;
  /** Newest rows of a window table that are remembered. */
  readonly maxRemembered: number;
  /** Records of changelogs that one pass reads to know what the online store should hold; the rest takes its turn. */
  readonly maxRestored: number;
  /** A task with a longer changelog has its keys checked on demand only. */
  readonly maxTaskRecords: number;
  /** Rest of the check of the online store, as a multiple of its time: the rest of the time belongs to others. */
  readonly restFactor: number;
}

/** Beside running processors: a pass stays short. */
export const WATCH_DEPTH: AuditDepth = {
  maxRows: 400_000,
  maxRemade: 100_000,
  maxBacklog: 1_000_000,
  maxRemembered: 500_000,
  maxRestored: 200_000,
  maxTaskRecords: 2_000_000,
  restFactor: 9,
};
/** On demand: everything that is there. */
export const FULL_DEPTH: AuditDepth = {
  maxRows: Number.POSITIVE_INFINITY,
  maxRemade: Number.POSITIVE_INFINITY,
  maxBacklog: Number.POSITIVE_INFINITY,
  maxRemembered: 5_000_000,
  maxRestored: Number.POSITIVE_INFINITY,
  maxTaskRecords: Number.POSITIVE_INFINITY,
  restFactor: 0,
};
/** A few commits. */
const SETTLE_COMMITS = 2;

/** The auditor of the shop's processors over the log, the tables and the online store. */
export function shopAuditor(options: ShopAuditorOptions): Auditor {
  const { config, kafka, clickhouse, store, now, depth, table, more = [] } = options;
  const { namespace } = config;
  const { subtopologies } = shopTopology(config.processing);
  const accounts = new AccountReader(logReader(kafka), namespace);
  const base = { kafka, clickhouse, namespace, subtopologies, accounts, now, ...depth };
  const onlyTable = table === undefined ? {} : { table };
  const tables = [
    new FactCheck({ ...base, ...onlyTable, mappings: FACT_MAPPINGS }),
    new WindowCheck({ ...base, ...onlyTable }),
  ];
  const topics = ownTopics(subtopologies).map((topic) => namespaced(namespace, topic));
  const online = new OnlineCheck({
    ...{ store, log: logReader(kafka), application: shopApplication(config), now, ...depth },
  });
  const log = [new InputCheck(base), new TopicCheck({ kafka, accounts, now, topics })];
  return new Auditor({
    accounts,
    checks: table === undefined ? [...log, ...tables, online, ...more] : tables,
    now,
    settleMs: Math.max(1000, SETTLE_COMMITS * config.processing.commitIntervalMs),
  });
}

/** Topics that only tasks write: between them, and beside their inputs. */
function ownTopics(subtopologies: readonly Subtopology[]): readonly string[] {
  const inputs = subtopologies.flatMap((subtopology) => subtopology.inputs.map(({ topic }) => topic));
  const between = subtopologies.flatMap(({ outputs = [] }) => outputs.map(({ topic }) => topic));
  const evidence = subtopologies.flatMap(({ explained }) => explained?.topics ?? []);
  const internal = Object.values(INTERNAL_TOPICS).map(({ name }) => name);
  return [
    ...new Set([
      ...between,
      ...internal,
      ...evidence,
      ...inputs.flatMap((topic) => [lateTopic(topic), deadLetterTopic(topic)]),
    ]),
  ];
}
