/**
 * Broker error codes by number (kafka.apache.org/protocol, "Error Codes"; codes above 88 are unknown to kafkajs 2.2.4,
 * which calls every one of them KAFKAJS_UNKNOWN_ERROR_CODE). Only names matter here: what to do about a code is decided
 * where the request was sent.
 */
import { MillraceError, type ErrorCode, type ErrorContext } from '../../../errors.ts';

export const NONE = 0;

const NAMES: Readonly<Record<number, string>> = {
  [-1]: 'UNKNOWN_SERVER_ERROR',
  1: 'OFFSET_OUT_OF_RANGE',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  4: 'INVALID_FETCH_SIZE',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  8: 'BROKER_NOT_AVAILABLE',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  13: 'NETWORK_EXCEPTION',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  21: 'INVALID_REQUIRED_ACKS',
  22: 'ILLEGAL_GENERATION',
  23: 'INCONSISTENT_GROUP_PROTOCOL',
  24: 'INVALID_GROUP_ID',
  25: 'UNKNOWN_MEMBER_ID',
  26: 'INVALID_SESSION_TIMEOUT',
  27: 'REBALANCE_IN_PROGRESS',
  28: 'INVALID_COMMIT_OFFSET_SIZE',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  32: 'INVALID_TIMESTAMP',
  33: 'UNSUPPORTED_SASL_MECHANISM',
  34: 'ILLEGAL_SASL_STATE',
  35: 'UNSUPPORTED_VERSION',
  36: 'TOPIC_ALREADY_EXISTS',
  37: 'INVALID_PARTITIONS',
  38: 'INVALID_REPLICATION_FACTOR',
  39: 'INVALID_REPLICA_ASSIGNMENT',
  40: 'INVALID_CONFIG',
  41: 'NOT_CONTROLLER',
  42: 'INVALID_REQUEST',
  43: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  44: 'POLICY_VIOLATION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  46: 'DUPLICATE_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  48: 'INVALID_TXN_STATE',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  50: 'INVALID_TRANSACTION_TIMEOUT',
  51: 'CONCURRENT_TRANSACTIONS',
  52: 'TRANSACTION_COORDINATOR_FENCED',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  54: 'SECURITY_DISABLED',
  55: 'OPERATION_NOT_ATTEMPTED',
  56: 'KAFKA_STORAGE_ERROR',
  58: 'SASL_AUTHENTICATION_FAILED',
  59: 'UNKNOWN_PRODUCER_ID',
  72: 'LISTENER_NOT_FOUND',
  73: 'TOPIC_DELETION_DISABLED',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  76: 'UNSUPPORTED_COMPRESSION_TYPE',
  77: 'STALE_BROKER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
  79: 'MEMBER_ID_REQUIRED',
  80: 'PREFERRED_LEADER_NOT_AVAILABLE',
  81: 'GROUP_MAX_SIZE_REACHED',
  82: 'FENCED_INSTANCE_ID',
  87: 'INVALID_RECORD',
  88: 'UNSTABLE_OFFSET_COMMIT',
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
  91: 'RESOURCE_NOT_FOUND',
  92: 'DUPLICATE_RESOURCE',
  93: 'UNACCEPTABLE_CREDENTIAL',
  97: 'SNAPSHOT_NOT_FOUND',
  100: 'UNKNOWN_TOPIC_ID',
  103: 'INCONSISTENT_TOPIC_ID',
  105: 'TRANSACTIONAL_ID_NOT_FOUND',
  109: 'OFFSET_MOVED_TO_TIERED_STORAGE',
  110: 'FENCED_MEMBER_EPOCH',
  113: 'STALE_MEMBER_EPOCH',
  117: 'UNKNOWN_SUBSCRIPTION_ID',
  119: 'INVALID_REGISTRATION',
  120: 'TRANSACTION_ABORTABLE',
  121: 'INVALID_RECORD_STATE',
};

/** The partition's leader is elsewhere or not ready: refresh the metadata and try again. */
export const STALE_LEADER: ReadonlySet<number> = new Set([3, 5, 6, 8, 9, 56, 72, 74, 75, 78, 100, 103]);

/** The coordinator is elsewhere or not ready: look it up and try again. */
export const STALE_COORDINATOR: ReadonlySet<number> = new Set([14, 15, 16]);

/** The transactional id has a newer epoch: another holder, or the coordinator itself after a time-out. */
export const FENCED: ReadonlySet<number> = new Set([47, 90]);

export const CONCURRENT_TRANSACTIONS = 51;
export const OFFSET_OUT_OF_RANGE = 1;
export const UNSTABLE_OFFSET_COMMIT = 88;

/** The protocol's name of a code, such as NOT_COORDINATOR. */
export function errorName(code: number): string {
  return NAMES[code] ?? `BROKER_ERROR_${code}`;
}

/** A refusal by a broker as an error of ours; the context names the broker's error. */
export function brokerError(
  code: number,
  doing: string,
  options: { code?: ErrorCode; context?: ErrorContext; retryable?: boolean } = {},
): MillraceError {
  const name = errorName(code);
  return new MillraceError(options.code ?? 'MR_KAFKA_FAILED', `Kafka refused to ${doing}: ${name}`, {
    context: { ...options.context, brokerError: name },
    ...(options.retryable === undefined ? {} : { retryable: options.retryable }),
  });
}
