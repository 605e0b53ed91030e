import type { Api } from './api.ts';
import { DESCRIBE_CONFIGS } from './config-api.ts';
import { FETCH, LIST_OFFSETS, PRODUCE } from './data-api.ts';
import {
  DESCRIBE_GROUP,
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  SYNC_GROUP,
} from './group-api.ts';
import { CREATE_TOPICS, DELETE_TOPICS, FIND_COORDINATOR, METADATA } from './metadata-api.ts';
import {
  ADD_OFFSETS,
  ADD_PARTITIONS,
  COMMIT_OFFSETS,
  END_TRANSACTION,
  INIT_PRODUCER_ID,
} from './transaction-api.ts';
import { API_VERSIONS } from './versions-api.ts';

/** Everything that is ever sent: a broker that lacks one of these is refused when it is connected to. */
export const NEEDED_APIS: readonly Pick<Api<unknown, unknown>, 'key' | 'version' | 'name'>[] = [
  PRODUCE,
  FETCH,
  LIST_OFFSETS,
  METADATA,
  COMMIT_OFFSETS,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  FIND_COORDINATOR,
  JOIN_GROUP,
  HEARTBEAT,
  LEAVE_GROUP,
  SYNC_GROUP,
  API_VERSIONS,
  CREATE_TOPICS,
  DELETE_TOPICS,
  INIT_PRODUCER_ID,
  ADD_PARTITIONS,
  ADD_OFFSETS,
  END_TRANSACTION,
  DESCRIBE_CONFIGS,
  DESCRIBE_GROUP,
];
