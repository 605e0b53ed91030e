/**
 * Membership of a consumer group on the classic protocol (KIP-62; kafka.apache.org/protocol, JoinGroup): join, sync,
 * heartbeats in the background, and again after each rebalance. `onRevoked` is awaited before the member joins again,
 * so that the coordinator hands its partitions to another only after it has let go of them (or was too slow for the
 * rebalance time-out). What this adds over kafkajs's consumer is that wait, and heartbeats that go on during it: a
 * commit that takes longer than the session does not cost the membership.
 */
import { MillraceError, errorText } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Assign, TopicPartition, TopicPartitionOffset } from '../port.ts';
import { assignmentsOf, subscribedTopics } from './assigner.ts';
import { createBackoff, untilDone, type Backoff } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { Api } from './protocol/api.ts';
import { decodeAssignment, encodeSubscription } from './protocol/assignment-codec.ts';
import {
  brokerError,
  errorName,
  ILLEGAL_GENERATION,
  MEMBER_ID_REQUIRED,
  NONE,
  REBALANCE_IN_PROGRESS,
  REQUEST_TIMED_OUT,
  STALE_COORDINATOR,
  STALE_LEADER,
  UNKNOWN_MEMBER_ID,
} from './protocol/error-codes.ts';
import {
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  SYNC_GROUP,
  type GroupMember,
  type JoinGroupResponse,
  type SyncGroupRequest,
} from './protocol/group-api.ts';
import { learnTopics } from './route.ts';

export interface MembershipTimes {
  /** A member that is silent for so long is expelled. */
  readonly sessionTimeoutMs: number;
  /** How long a rebalance waits for members that are still working. */
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

export interface MembershipOptions {
  readonly client: ClusterClient;
  readonly log: Logger;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly assign: Assign;
  readonly times: MembershipTimes;
  readonly hooks: {
    /** Where this rejects with an error that may pass, the member gives the partitions back and joins again. */
    assigned(partitions: readonly TopicPartition[]): Promise<void>;
    /** The owner has taken over, and is still a member: records may flow. */
    ready(): void;
    /** Awaited before the member joins again; a rejection that may pass does not keep it from that. */
    revoked(partitions: readonly TopicPartition[]): Promise<void>;
    /** The group cannot be reached for now; the membership goes on trying. */
    troubled(error: MillraceError): void;
    /** The membership has ended by a fault that will not pass. */
    failed(error: MillraceError): void;
  };
}

const PROTOCOL = 'millrace-tasks';
const LEAVE_TIMEOUT_MS = 2_000;
const COMMIT_TIMEOUT_MS = 10_000;
/** The group has another generation, or the member is none of it. */
const OUTDATED = new Set([UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS]);
const MAX_BACKOFF_MS = 2_000;

interface Joined {
  readonly member: GroupMember;
  readonly partitions: readonly TopicPartition[];
}

/** Heartbeats of one generation. */
interface Heart {
  /** Resolves when the member has to join again; rejects where it never can. */
  readonly over: Promise<void>;
  /** False once it was expelled. */
  isMember(): boolean;
  stop(): void;
}

/** One member of one group, from start to close. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #closing = new AbortController();
  readonly #backoff: Backoff;
  #memberId = '';
  /** As whom it takes part now. */
  #member: GroupMember | undefined;
  /** What was held last; the leader of the next assignment lets it stay where it can. */
  #held: { readonly owned: readonly TopicPartition[]; readonly generation: number } = {
    owned: [],
    generation: -1,
  };

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#backoff = createBackoff(MAX_BACKOFF_MS, options.client.scheduler);
  }

  /** Resolves after the first assignment. */
  async start(): Promise<void> {
    const { client, topics, hooks } = this.#options;
    await learnTopics(client, topics);
    await new Promise<void>((resolve, reject) => {
      this.#run(resolve).then(resolve, (error: unknown) => {
        const ours =
          error instanceof MillraceError
            ? error
            : new MillraceError('MR_INTERNAL', 'a group member failed', { cause: error });
        hooks.failed(ours);
        reject(ours);
        // The partitions go to members that work.
        void this.#leave();
      });
    });
  }

  /**
   * Commits offsets in the name of the member. Rejects with MR_KAFKA_FENCED where the group has moved on without it, with
   * MR_KAFKA_UNAVAILABLE where it does not answer in time.
   */
  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const { client, groupId } = this.#options;
    const member = this.#member;
    if (member === undefined) throw noMember(groupId);
    await untilDone<null>(
      async () => {
        const request = { ...member, offsets };
        const { codes } = await this.#ask(OFFSET_COMMIT, request, COMMIT_TIMEOUT_MS);
        const code = codes.find((one) => one !== NONE);
        if (code === undefined) return { done: null };
        if (STALE_COORDINATOR.has(code)) client.forgetCoordinator('group', groupId);
        else if (OUTDATED.has(code)) throw noMember(groupId, code);
        else if (!STALE_LEADER.has(code) && code !== REQUEST_TIMED_OUT)
          throw brokerError(code, 'commit offsets', { context: { groupId } });
        const context = { groupId };
        return { again: brokerError(code, 'commit offsets', { code: 'MR_KAFKA_UNAVAILABLE', context }) };
      },
      { scheduler: client.scheduler, deadlineMs: COMMIT_TIMEOUT_MS, maxBackoffMs: 100 },
    );
  }

  /** Leaves the group, so that the others need not wait for the session to end. */
  async close(): Promise<void> {
    if (!isOver(this.#closing.signal)) await this.#leave();
  }

  async #run(started: () => void): Promise<void> {
    const { log, groupId } = this.#options;
    while (!isOver(this.#closing.signal)) {
      const joined = await this.#join().catch((error: unknown) => {
        this.#trouble(error);
        return null;
      });
      if (joined === null) {
        await this.#backoff.wait(this.#closing.signal);
        continue;
      }
      if (isOver(this.#closing.signal)) return;
      const { member, partitions } = joined;
      this.#member = member;
      this.#held = { owned: partitions, generation: member.generation };
      log.info({ groupId, generation: member.generation, partitions: partitions.length }, 'joined the group');
      await this.#hold(joined, started);
    }
  }

  /** Null where the join must be tried again. */
  async #join(): Promise<Joined | null> {
    const { groupId, topics, times } = this.#options;
    const metadata = encodeSubscription({ topics, ...this.#held });
    const joined = await this.#ask(
      JOIN_GROUP,
      { groupId, ...times, memberId: this.#memberId, protocol: PROTOCOL, metadata },
      times.rebalanceTimeoutMs + LEAVE_TIMEOUT_MS,
    );
    if (joined.errorCode === MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId;
      return null;
    }
    if (!this.#accepted(joined.errorCode, 'join the group')) return null;
    this.#memberId = joined.memberId;
    const member = { groupId, generation: joined.generation, memberId: joined.memberId };
    const assignments = joined.leaderId === joined.memberId ? await this.#lead(joined.members) : [];
    const synced = await this.#ask(SYNC_GROUP, { ...member, assignments }, times.rebalanceTimeoutMs);
    if (!this.#accepted(synced.errorCode, 'take part in the group')) return null;
    return { member, partitions: decodeAssignment(synced.assignment) };
  }

  async #lead(members: JoinGroupResponse['members']): Promise<SyncGroupRequest['assignments']> {
    const { client, assign } = this.#options;
    const subscribed = subscribedTopics(members);
    await client.refresh(subscribed); // a topic may have been made anew with more partitions
    await learnTopics(client, subscribed);
    const counts = new Map(subscribed.map((topic) => [topic, client.partitionCount(topic) ?? 0]));
    return assignmentsOf(members, counts, assign);
  }

  /** Has the owner take over its partitions, waits for the next rebalance and has the owner let go again. */
  async #hold({ member, partitions }: Joined, started: () => void): Promise<void> {
    const heart = this.#beat(member);
    try {
      if (await this.#takeOver(partitions)) {
        if (heart.isMember()) this.#options.hooks.ready();
        started();
        await heart.over;
      }
      if (isOver(this.#closing.signal)) return;
      await this.#options.hooks.revoked(partitions).catch((error: unknown) => this.#trouble(error));
    } finally {
      heart.stop();
    }
  }

  /** False where the owner could not for now. */
  async #takeOver(partitions: readonly TopicPartition[]): Promise<boolean> {
    try {
      await this.#options.hooks.assigned(partitions);
    } catch (error) {
      this.#trouble(error);
      await this.#backoff.wait(this.#closing.signal);
      return false;
    }
    this.#backoff.reset();
    return true;
  }

  /** Heartbeats until `stop`, whatever the owner does. `over` resolves when the member has to join again. */
  #beat(member: GroupMember): Heart {
    const stopping = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, stopping.signal]);
    let isTold: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (isTold = resolve));
    const beating = this.#beatUntil(signal, member, isTold);
    const over = Promise.race([told, beating]);
    let isMember = true;
    beating.then(
      () => (isMember = false),
      () => (isMember = false),
    );
    over.catch(() => undefined); // awaited after the hook, which may end later
    return { over, isMember: () => isMember, stop: () => stopping.abort() };
  }

  async #beatUntil(signal: AbortSignal, member: GroupMember, rebalancing: () => void): Promise<void> {
    const { client, groupId, times } = this.#options;
    while (!isOver(signal)) {
      await client.scheduler.sleep(times.heartbeatIntervalMs, signal);
      if (isOver(signal)) return;
      try {
        const { errorCode } = await this.#ask(HEARTBEAT, member, times.sessionTimeoutMs);
        if (isOver(signal)) return;
        if (STALE_COORDINATOR.has(errorCode)) client.forgetCoordinator('group', groupId);
        else if (errorCode === REBALANCE_IN_PROGRESS) rebalancing();
        else if (!this.#accepted(errorCode, 'stay in the group')) return;
      } catch (error) {
        if (!isOver(signal)) this.#trouble(error);
      }
    }
  }

  async #leave(): Promise<void> {
    const { log, groupId } = this.#options;
    this.#closing.abort();
    if (this.#memberId === '') return;
    await this.#ask(LEAVE_GROUP, { groupId, memberId: this.#memberId }, LEAVE_TIMEOUT_MS).catch(
      (error: unknown) => {
        log.debug(
          { groupId, reason: errorText(error) },
          'could not leave the group; the session will end it',
        );
      },
    );
  }

  async #ask<Q, S>(api: Api<Q, S>, request: Q, timeoutMs: number): Promise<S> {
    const { client, groupId } = this.#options;
    const node = await client.coordinatorOf('group', groupId);
    return client.call(node, api, request, timeoutMs).catch((error: unknown) => {
      client.forgetCoordinator('group', groupId);
      throw error;
    });
  }

  /** False where joining again helps; throws where it does not. */
  #accepted(code: number, doing: string): boolean {
    const { client, groupId } = this.#options;
    if (code === NONE) return true;
    if (code === UNKNOWN_MEMBER_ID) this.#memberId = '';
    if (STALE_COORDINATOR.has(code)) client.forgetCoordinator('group', groupId);
    else if (code !== UNKNOWN_MEMBER_ID && code !== REBALANCE_IN_PROGRESS && code !== ILLEGAL_GENERATION)
      throw brokerError(code, doing, { context: { groupId } });
    return false;
  }

  /** Faults that pass are told and tried again; others end the membership. */
  #trouble(error: unknown): void {
    if (!(error instanceof MillraceError) || !error.retryable) throw error;
    if (isOver(this.#closing.signal)) return;
    const { log, groupId, hooks } = this.#options;
    log.debug({ groupId, reason: errorText(error) }, 'the consumer group cannot be reached');
    hooks.troubled(error);
  }
}

function noMember(groupId: string, code?: number): MillraceError {
  const brokerError = code === undefined ? {} : { brokerError: errorName(code) };
  return new MillraceError('MR_KAFKA_FENCED', 'the group has moved on without this member', {
    context: { groupId, ...brokerError },
  });
}

/** A function, since the compiler takes an aborted flag that was read once for settled. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
