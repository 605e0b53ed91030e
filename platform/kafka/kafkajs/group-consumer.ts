import { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { GroupConsumer, GroupConsumerOptions, RecordBatch } from '../port.ts';
import type { ClusterClient } from './cluster-client.ts';
import { Fetcher } from './fetcher.ts';
import { Membership, type MembershipTimes } from './membership.ts';

const DEFAULT_MAX_BATCH_RECORDS = 5_000;

/** Membership decides what is read, the fetcher reads it; no batch passes while the hooks of a rebalance run. */
export function createGroupConsumer(
  options: GroupConsumerOptions,
  engine: { readonly client: ClusterClient; readonly log: Logger; readonly times: MembershipTimes },
): GroupConsumer {
  const { client, log } = engine;
  const { groupId, topics, assign, rebalanceTimeoutMs } = options;
  const { maxBatchRecords = DEFAULT_MAX_BATCH_RECORDS } = options;
  const fetcher = new Fetcher({ client, log, maxBatchRecords });
  let membership: Membership | null = null;
  let open = false;
  let closed = false;
  let failure: MillraceError | null = null;
  let trouble: MillraceError | null = null;

  const isClosed = (): boolean => closed;
  const take = (): readonly RecordBatch[] => {
    if (failure !== null) throw failure;
    if (trouble !== null) {
      const error = trouble;
      trouble = null;
      throw error;
    }
    return open ? fetcher.take() : [];
  };

  return {
    async start(hooks) {
      membership = new Membership({
        client,
        log,
        groupId,
        topics,
        assign,
        times: {
          ...engine.times,
          ...(rebalanceTimeoutMs === undefined ? {} : { rebalanceTimeoutMs }),
        },
        hooks: {
          async assigned(partitions) {
            trouble = null;
            fetcher.assign(partitions);
            await hooks.onAssigned(partitions);
          },
          ready() {
            open = true;
            fetcher.wake();
          },
          async revoked(partitions) {
            open = false;
            fetcher.assign([]);
            await hooks.onRevoked(partitions);
          },
          troubled(error) {
            trouble = error;
            fetcher.wake();
          },
          failed(error) {
            failure = error;
            fetcher.wake();
          },
        },
      });
      await membership.start();
    },
    seek: (position) => fetcher.seek(position),
    pause: (partitions) => fetcher.pause(partitions),
    resume: (partitions) => fetcher.resume(partitions),
    async poll(maxWaitMs) {
      if (closed) throw closedConsumer();
      const deadlineMs = client.scheduler.elapsedMs() + maxWaitMs;
      for (;;) {
        if (isClosed()) return [];
        const batches = take();
        const leftMs = deadlineMs - client.scheduler.elapsedMs();
        if (batches.length > 0 || leftMs <= 0) return batches;
        await fetcher.ready(leftMs);
      }
    },
    async commit(offsets) {
      if (membership === null || closed) throw closedConsumer();
      await membership.commit(offsets);
    },
    async close() {
      if (closed) return;
      closed = true;
      fetcher.close();
      await membership?.close();
      client.close();
    },
  };
}

function closedConsumer(): MillraceError {
  return new MillraceError('MR_KAFKA_UNAVAILABLE', 'the consumer is closed', { retryable: false });
}
