import type { Scenario } from '../scenario.ts';
import { brokerRestart } from './broker-restart.ts';
import { clickhouseAway } from './clickhouse-away.ts';
import { clickhouseInProcess } from './clickhouse-crash.ts';
import { diskFull } from './disk-full.ts';
import { embeddedLog } from './log.ts';
import { lmdbStore } from './online-store.ts';
import { redisRestart } from './redis-restart.ts';

/** The faults of the engines below the ports. */
export const ENGINE_SCENARIOS: readonly Scenario[] = [
  embeddedLog,
  lmdbStore,
  clickhouseInProcess,
  redisRestart,
  brokerRestart,
  clickhouseAway,
  diskFull,
];
