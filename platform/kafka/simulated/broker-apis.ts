/** What a broker of the simulated cluster answers to each request of the product's client. */
import type { Api } from '../kafkajs/protocol/api.ts';
import { DESCRIBE_CONFIGS } from '../kafkajs/protocol/config-api.ts';
import {
  FETCH,
  LIST_OFFSETS,
  PRODUCE,
  type FetchedPartition,
  type FetchRequest,
} from '../kafkajs/protocol/data-api.ts';
import {
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  INVALID_TOPIC_EXCEPTION,
  INVALID_TXN_STATE,
  MESSAGE_TOO_LARGE,
  NONE,
  NOT_CONTROLLER,
  NOT_COORDINATOR,
  NOT_LEADER,
  OFFSET_OUT_OF_RANGE,
  TOPIC_ALREADY_EXISTS,
  UNKNOWN_TOPIC_OR_PARTITION,
} from '../kafkajs/protocol/error-codes.ts';
import {
  DESCRIBE_GROUP,
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  SYNC_GROUP,
} from '../kafkajs/protocol/group-api.ts';
import {
  CREATE_TOPICS,
  DELETE_TOPICS,
  FIND_COORDINATOR,
  METADATA,
  type CoordinatorKind,
} from '../kafkajs/protocol/metadata-api.ts';
import {
  ADD_OFFSETS,
  ADD_PARTITIONS,
  COMMIT_OFFSETS,
  END_TRANSACTION,
  INIT_PRODUCER_ID,
} from '../kafkajs/protocol/transaction-api.ts';
import { API_VERSIONS } from '../kafkajs/protocol/versions-api.ts';
import type { TopicPartition } from '../port.ts';
import { readBatchHead } from './batch-head.ts';
import type { Handle, Served, SimulatedCluster, SimulatedPartition } from './cluster.ts';

const NO_BYTES = Buffer.alloc(0);
/** message.max.bytes of a broker that nobody has changed. */
const MAX_MESSAGE_BYTES = 1_048_588;
const NEWEST_METADATA_LEVEL = 29;

function on<Q, S>(api: Api<Q, S>, handle: (at: Served, request: Q) => S): readonly [string, Handle] {
  return [api.name, (at, request, answer) => answer(handle(at, request as Q))];
}

function held<Q, S>(
  api: Api<Q, S>,
  handle: (at: Served, request: Q, answer: (answer: S) => void) => void,
): readonly [string, Handle] {
  return [api.name, (at, request, answer) => handle(at, request as Q, answer)];
}

export const BROKER_APIS: ReadonlyMap<string, Handle> = new Map([
  on(API_VERSIONS, () => ({ errorCode: NONE, metadataLevel: NEWEST_METADATA_LEVEL })),
  on(METADATA, ({ cluster }, { topics }) => ({
    brokers: cluster.running,
    controllerId: cluster.running[0]?.nodeId ?? -1,
    topics: (topics === 'all' ? [...cluster.topics.keys()] : topics).map((topic) => describe(cluster, topic)),
  })),
  on(FIND_COORDINATOR, ({ cluster }, { kind, key }) => {
    const found = cluster.coordinator(kind, key);
    const broker = cluster.running.find(({ nodeId }) => nodeId === found?.node);
    if (broker === undefined) return { errorCode: COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: '', port: -1 };
    return { errorCode: NONE, ...broker };
  }),
  on(CREATE_TOPICS, (at, { topics }) => ({
    results: topics.map((spec) => {
      const errorCode = creatable(at, spec.topic);
      if (errorCode === NONE) at.cluster.createTopic(spec);
      return { topic: spec.topic, errorCode, message: null };
    }),
  })),
  on(DELETE_TOPICS, (at, { topics }) => ({
    results: topics.map((topic) => ({ topic, errorCode: deleteTopic(at, topic), message: null })),
  })),
  on(DESCRIBE_CONFIGS, ({ cluster }, { topics }) => ({
    topics: topics.map((topic) => {
      const found = cluster.topics.get(topic);
      return found === undefined
        ? { topic, errorCode: UNKNOWN_TOPIC_OR_PARTITION, message: null, settings: {} }
        : {
            topic,
            errorCode: NONE,
            message: null,
            settings: { 'cleanup.policy': 'delete', ...found.config },
          };
    }),
  })),
  on(PRODUCE, (at, { batches }) => ({
    partitions: batches.map(({ topic, partition, bytes }) => ({
      ...{ topic, partition },
      ...append(at, { topic, partition }, bytes),
    })),
  })),
  held(FETCH, (at, request, answer) =>
    fetch(at, request, (partitions) => answer({ errorCode: NONE, partitions })),
  ),
  on(LIST_OFFSETS, (at, { at: which, partitions }) => ({
    partitions: partitions.map((place) => {
      const led = ledHere(at, place);
      if (typeof led === 'number') return { ...place, offset: -1, errorCode: led };
      const { startOffset, endOffset, lastStableOffset } = led.log;
      const offset = which === 'start' ? startOffset : which === 'end' ? lastStableOffset : endOffset;
      return { ...place, offset, errorCode: NONE };
    }),
  })),
  held(JOIN_GROUP, (at, request, answer) => {
    const errorCode = coordinates(at, 'group', request.groupId);
    if (errorCode !== NONE)
      answer({ errorCode, generation: -1, leaderId: '', memberId: request.memberId, members: [] });
    else at.cluster.group(request.groupId).join(request, answer);
  }),
  held(SYNC_GROUP, (at, request, answer) => {
    const errorCode = coordinates(at, 'group', request.groupId);
    if (errorCode !== NONE) answer({ errorCode, assignment: NO_BYTES });
    else at.cluster.group(request.groupId).sync(request, answer);
  }),
  on(HEARTBEAT, (at, request) => {
    const errorCode = coordinates(at, 'group', request.groupId);
    return {
      errorCode: errorCode === NONE ? at.cluster.group(request.groupId).heartbeat(request) : errorCode,
    };
  }),
  on(LEAVE_GROUP, (at, { groupId, memberId }) => {
    const errorCode = coordinates(at, 'group', groupId);
    return { errorCode: errorCode === NONE ? at.cluster.group(groupId).leave(memberId) : errorCode };
  }),
  on(DESCRIBE_GROUP, (at, { groupId }) => {
    const errorCode = coordinates(at, 'group', groupId);
    return errorCode === NONE ? at.cluster.group(groupId).describe() : { errorCode, state: '', members: [] };
  }),
  on(OFFSET_FETCH, (at, { groupId, partitions }) => {
    const errorCode = coordinates(at, 'group', groupId);
    return errorCode === NONE ? at.cluster.group(groupId).fetch(partitions) : { errorCode, partitions: [] };
  }),
  on(OFFSET_COMMIT, (at, request) => {
    let code = coordinates(at, 'group', request.groupId);
    if (code === NONE) code = at.cluster.group(request.groupId).commit(request, request.offsets);
    return { codes: request.offsets.map(() => code) };
  }),
  on(INIT_PRODUCER_ID, (at, { transactionalId, transactionTimeoutMs }) => {
    const errorCode = transactionalId === null ? NONE : coordinates(at, 'transaction', transactionalId);
    return errorCode === NONE
      ? at.cluster.transactions.init(transactionalId, transactionTimeoutMs)
      : { errorCode, producerId: -1, producerEpoch: -1 };
  }),
  on(ADD_PARTITIONS, (at, request) => {
    const errorCode = coordinates(at, 'transaction', request.transactionalId);
    const code =
      errorCode === NONE ? at.cluster.transactions.addPartitions(request, request.partitions) : errorCode;
    return { codes: request.partitions.map(() => code) };
  }),
  on(ADD_OFFSETS, (at, request) => {
    const errorCode = coordinates(at, 'transaction', request.transactionalId);
    return {
      errorCode:
        errorCode === NONE ? at.cluster.transactions.addOffsets(request, request.groupId) : errorCode,
    };
  }),
  on(COMMIT_OFFSETS, (at, { groupId, producerId, producerEpoch, offsets }) => {
    let code = coordinates(at, 'group', groupId);
    if (code === NONE && !at.cluster.transactions.isOpenFor(groupId, producerId, producerEpoch))
      code = INVALID_TXN_STATE;
    if (code === NONE) code = at.cluster.group(groupId).commitPending(producerId, producerEpoch, offsets);
    return { codes: offsets.map(() => code) };
  }),
  on(END_TRANSACTION, (at, request) => {
    const errorCode = coordinates(at, 'transaction', request.transactionalId);
    return {
      errorCode: errorCode === NONE ? at.cluster.transactions.end(request, request.commit) : errorCode,
    };
  }),
]);

function describe(cluster: SimulatedCluster, topic: string) {
  const found = cluster.topics.get(topic);
  const partitions = (found?.partitions ?? []).map(({ leader = -1 }, partition) => ({
    ...{ errorCode: NONE, partition, leader },
  }));
  return {
    topicId: found?.id ?? '',
    errorCode: found === undefined ? UNKNOWN_TOPIC_OR_PARTITION : NONE,
    topic,
    isInternal: false,
    partitions,
  };
}

function isController({ cluster, node }: Served): boolean {
  return cluster.running[0]?.nodeId === node;
}

function creatable(at: Served, topic: string): number {
  if (!isController(at)) return NOT_CONTROLLER;
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic)) return INVALID_TOPIC_EXCEPTION;
  return at.cluster.topics.has(topic) ? TOPIC_ALREADY_EXISTS : NONE;
}

function deleteTopic(at: Served, topic: string): number {
  if (!isController(at)) return NOT_CONTROLLER;
  return at.cluster.deleteTopic(topic) ? NONE : UNKNOWN_TOPIC_OR_PARTITION;
}

/** NONE where this broker coordinates the key and has loaded it. */
function coordinates({ cluster, node }: Served, kind: CoordinatorKind, key: string): number {
  const coordinator = cluster.coordinator(kind, key);
  if (coordinator?.node !== node) return NOT_COORDINATOR;
  return coordinator.readyAtMs > cluster.scheduler.elapsedMs() ? COORDINATOR_LOAD_IN_PROGRESS : NONE;
}

/** The partition, or why this broker cannot serve it. */
function ledHere({ cluster, node }: Served, place: TopicPartition): SimulatedPartition | number {
  const found = cluster.partition(place);
  if (found === undefined) return UNKNOWN_TOPIC_OR_PARTITION;
  return found.leader === node ? found : NOT_LEADER;
}

function append(at: Served, place: TopicPartition, bytes: Buffer): { errorCode: number; baseOffset: number } {
  const led = ledHere(at, place);
  if (typeof led === 'number') return { errorCode: led, baseOffset: -1 };
  const limit = Number(at.cluster.topics.get(place.topic)?.config['max.message.bytes'] ?? MAX_MESSAGE_BYTES);
  if (bytes.length > limit) return { errorCode: MESSAGE_TOO_LARGE, baseOffset: -1 };
  const head = readBatchHead(bytes);
  if (
    head?.isTransactional === true &&
    !at.cluster.transactions.isOpenIn(place, head.producerId, head.producerEpoch)
  ) {
    // A repetition of what is there already is answered all the same, as is a producer that was fenced.
    const outcome = led.log.recall(bytes);
    return outcome ?? { errorCode: INVALID_TXN_STATE, baseOffset: -1 };
  }
  return led.log.append(bytes);
}

function fetch(
  at: Served,
  request: FetchRequest,
  answer: (partitions: readonly FetchedPartition[]) => void,
): void {
  const read = () => {
    let left = request.maxBytes;
    return request.partitions.map((place): FetchedPartition => {
      const fetched = fetchOne(at, place, { maxBytes: request.partitionMaxBytes, left });
      left -= fetched.bytes.length;
      return fetched;
    });
  };
  const isWorthTelling = (partitions: readonly FetchedPartition[]) =>
    partitions.some(({ errorCode, bytes }) => errorCode !== NONE || bytes.length > 0);
  const first = read();
  if (isWorthTelling(first) || request.maxWaitMs <= 0) {
    answer(first);
    return;
  }
  const logs = request.partitions.flatMap((place) => at.cluster.partition(place)?.log ?? []);
  const end = (): void => {
    forget();
    for (const log of logs) log.waiters.delete(look);
  };
  const look = (): void => {
    const found = read();
    if (!isWorthTelling(found)) return;
    end();
    answer(found);
  };
  const forget = at.cluster.scheduler.after(request.maxWaitMs, () => {
    end();
    answer(read());
  });
  for (const log of logs) log.waiters.add(look);
}

function fetchOne(
  at: Served,
  place: FetchRequest['partitions'][number],
  limits: { readonly maxBytes: number; readonly left: number },
): FetchedPartition {
  const { topic, partition, offset } = place;
  const led = ledHere(at, place);
  const nothing = { topic, partition, aborted: [], bytes: NO_BYTES };
  if (typeof led === 'number')
    return { ...nothing, errorCode: led, lastStableOffset: -1, logStartOffset: -1 };
  const { startOffset, endOffset, lastStableOffset } = led.log;
  const head = { lastStableOffset, logStartOffset: startOffset };
  if (offset < startOffset || offset > endOffset)
    return { ...nothing, ...head, errorCode: OFFSET_OUT_OF_RANGE };
  if (limits.left <= 0) return { ...nothing, ...head, errorCode: NONE };
  const read = led.log.read(offset, Math.min(limits.maxBytes, limits.left));
  return { ...nothing, ...head, ...read, errorCode: NONE };
}
