/**
 * The group coordinator of the simulated cluster: membership on the classic protocol (org.apache.kafka.coordinator.group,
 * classic groups; KIP-394 member ids), committed offsets, and offsets that wait for the outcome of a transaction
 * (KIP-447). What it knows outlives its broker, as __consumer_offsets does.
 */
import type { Scheduler } from '../../scheduler.ts';
import type { TopicPartition, TopicPartitionOffset } from '../port.ts';
import { partitionKey } from '../kafkajs/protocol/by-topic.ts';
import {
  ILLEGAL_GENERATION,
  INVALID_PRODUCER_EPOCH,
  MEMBER_ID_REQUIRED,
  NONE,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
  UNSTABLE_OFFSET_COMMIT,
} from '../kafkajs/protocol/error-codes.ts';
import type {
  DescribedGroup,
  GroupMember,
  JoinGroupRequest,
  JoinGroupResponse,
  OffsetFetchResponse,
  SyncGroupRequest,
} from '../kafkajs/protocol/group-api.ts';
import type { Participant } from './transaction-coordinator.ts';

interface SyncAnswer {
  readonly errorCode: number;
  readonly assignment: Buffer;
}

interface Member {
  readonly id: string;
  metadata: Buffer;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  assignment: Buffer;
  /** Held until the rebalance is complete. */
  joining: ((answer: JoinGroupResponse) => void) | undefined;
  syncing: ((answer: SyncAnswer) => void) | undefined;
  forgetSession: () => void;
}

type State = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

const NO_BYTES = Buffer.alloc(0);
/** How long the first join of an empty group waits for others (group.initial.rebalance.delay.ms). */
const INITIAL_DELAY_MS = 50;

export class GroupCoordinator implements Participant {
  readonly #id: string;
  readonly #scheduler: Scheduler;
  readonly #members = new Map<string, Member>();
  readonly #offsets = new Map<string, TopicPartitionOffset>();
  /** Offsets of open transactions, by producer. */
  readonly #pending = new Map<number, Map<string, TopicPartitionOffset>>();
  readonly #epochs = new Map<number, number>();
  #state: State = 'Empty';
  #generation = 0;
  #leader = '';
  #named = 0;
  #forgetRebalance: () => void = () => undefined;

  constructor(id: string, scheduler: Scheduler) {
    this.#id = id;
    this.#scheduler = scheduler;
  }

  join(request: JoinGroupRequest, answer: (answer: JoinGroupResponse) => void): void {
    const { memberId, metadata } = request;
    if (memberId === '') {
      answer(refusedJoin(MEMBER_ID_REQUIRED, `${this.#id}-${++this.#named}`));
      return;
    }
    const known = this.#members.get(memberId);
    const isSame = known?.metadata.equals(metadata) === true;
    const member = known ?? this.#welcome(memberId);
    member.metadata = metadata;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    const isOver =
      this.#state === 'CompletingRebalance' || (this.#state === 'Stable' && memberId !== this.#leader);
    if (known !== undefined && isSame && isOver) {
      this.#hear(member);
      answer(this.#joined(member));
      return;
    }
    member.forgetSession();
    member.joining = answer;
    this.#prepare();
    this.#maybeComplete();
  }

  sync(request: SyncGroupRequest, answer: (answer: SyncAnswer) => void): void {
    const refusal = this.#refusal(request);
    const member = this.#members.get(request.memberId);
    if (refusal !== NONE || member === undefined) {
      answer({ errorCode: refusal, assignment: NO_BYTES });
      return;
    }
    this.#hear(member);
    if (this.#state === 'PreparingRebalance') {
      answer({ errorCode: REBALANCE_IN_PROGRESS, assignment: NO_BYTES });
      return;
    }
    if (this.#state === 'Stable') {
      answer({ errorCode: NONE, assignment: member.assignment });
      return;
    }
    member.syncing = answer;
    if (request.memberId !== this.#leader) return;
    const given = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    this.#state = 'Stable';
    for (const one of this.#members.values()) {
      one.assignment = given.get(one.id) ?? NO_BYTES;
      this.#answerSync(one, NONE);
    }
  }

  heartbeat(request: GroupMember): number {
    const refusal = this.#refusal(request);
    const member = this.#members.get(request.memberId);
    if (refusal !== NONE || member === undefined) return refusal;
    if (member.joining === undefined) this.#hear(member);
    return this.#state === 'PreparingRebalance' ? REBALANCE_IN_PROGRESS : NONE;
  }

  leave(memberId: string): number {
    if (!this.#members.has(memberId)) return UNKNOWN_MEMBER_ID;
    this.#remove(memberId);
    return NONE;
  }

  describe(): DescribedGroup {
    return { errorCode: NONE, state: this.#state, members: [...this.#members.keys()] };
  }

  /** Has everybody join again. */
  forceRebalance(): void {
    if (this.#state === 'Stable') this.#prepare();
  }

  fetch(places: readonly TopicPartition[]): OffsetFetchResponse {
    return {
      errorCode: NONE,
      partitions: places.map((place) => {
        const key = partitionKey(place);
        const isPending = [...this.#pending.values()].some((offsets) => offsets.has(key));
        const offset = this.#offsets.get(key)?.offset ?? -1;
        return isPending
          ? { ...place, offset: -1, errorCode: UNSTABLE_OFFSET_COMMIT }
          : { ...place, offset, errorCode: NONE };
      }),
    };
  }

  /** Offsets that count once the transaction of the producer is committed. */
  commitPending(producerId: number, epoch: number, offsets: readonly TopicPartitionOffset[]): number {
    if (epoch < (this.#epochs.get(producerId) ?? epoch)) return INVALID_PRODUCER_EPOCH;
    this.#epochs.set(producerId, epoch);
    const pending = this.#pending.get(producerId) ?? new Map<string, TopicPartitionOffset>();
    for (const offset of offsets) pending.set(partitionKey(offset), offset);
    this.#pending.set(producerId, pending);
    return NONE;
  }

  /** Offsets that count at once. */
  commit(member: GroupMember, offsets: readonly TopicPartitionOffset[]): number {
    const refusal = this.#refusal(member);
    if (refusal !== NONE) return refusal;
    if (this.#state === 'CompletingRebalance') return REBALANCE_IN_PROGRESS;
    for (const offset of offsets) this.#offsets.set(partitionKey(offset), offset);
    return NONE;
  }

  mark(producerId: number, epoch: number, { commit }: { readonly commit: boolean }): void {
    this.#epochs.set(producerId, Math.max(epoch, this.#epochs.get(producerId) ?? 0));
    const pending = this.#pending.get(producerId);
    this.#pending.delete(producerId);
    if (commit) for (const [key, offset] of pending ?? []) this.#offsets.set(key, offset);
  }

  #refusal({ memberId, generation }: GroupMember): number {
    if (!this.#members.has(memberId)) return UNKNOWN_MEMBER_ID;
    return generation === this.#generation ? NONE : ILLEGAL_GENERATION;
  }

  #welcome(id: string): Member {
    const member: Member = {
      id,
      ...{ metadata: NO_BYTES, sessionTimeoutMs: 0, rebalanceTimeoutMs: 0, assignment: NO_BYTES },
      ...{ joining: undefined, syncing: undefined, forgetSession: () => undefined },
    };
    this.#members.set(id, member);
    return member;
  }

  /** Its session begins anew. */
  #hear(member: Member): void {
    member.forgetSession();
    member.forgetSession = this.#scheduler.after(member.sessionTimeoutMs, () => {
      if (this.#members.get(member.id) === member) this.#remove(member.id);
    });
  }

  #remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    member.forgetSession();
    this.#members.delete(memberId);
    member.joining?.(refusedJoin(UNKNOWN_MEMBER_ID, memberId));
    this.#answerSync(member, UNKNOWN_MEMBER_ID);
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#prepare();
    this.#maybeComplete();
  }

  #prepare(): void {
    if (this.#state === 'PreparingRebalance') return;
    const isFirst = this.#state === 'Empty';
    for (const member of this.#members.values()) this.#answerSync(member, REBALANCE_IN_PROGRESS);
    this.#state = 'PreparingRebalance';
    const longestMs = Math.max(0, ...[...this.#members.values()].map((member) => member.rebalanceTimeoutMs));
    this.#forgetRebalance();
    this.#forgetRebalance = this.#scheduler.after(isFirst ? INITIAL_DELAY_MS : longestMs, () => {
      for (const member of [...this.#members.values()]) if (member.joining === undefined) this.#expel(member);
      this.#complete();
    });
    // An empty group waits for others even when all that it has are there.
    this.#isWaiting = isFirst;
  }

  #isWaiting = false;

  #expel(member: Member): void {
    member.forgetSession();
    this.#members.delete(member.id);
  }

  #maybeComplete(): void {
    if (this.#state !== 'PreparingRebalance' || this.#isWaiting) return;
    for (const member of this.#members.values()) if (member.joining === undefined) return;
    this.#complete();
  }

  #complete(): void {
    if (this.#state !== 'PreparingRebalance') return;
    this.#forgetRebalance();
    this.#isWaiting = false;
    this.#generation += 1;
    const [first] = this.#members.keys();
    if (first === undefined) {
      this.#state = 'Empty';
      return;
    }
    if (!this.#members.has(this.#leader)) this.#leader = first;
    this.#state = 'CompletingRebalance';
    for (const member of this.#members.values()) {
      const { joining } = member;
      member.joining = undefined;
      this.#hear(member);
      joining?.(this.#joined(member));
    }
  }

  #joined(member: Member): JoinGroupResponse {
    const members = [...this.#members.values()].map(({ id, metadata }) => ({ memberId: id, metadata }));
    return {
      errorCode: NONE,
      generation: this.#generation,
      leaderId: this.#leader,
      memberId: member.id,
      members: member.id === this.#leader ? members : [],
    };
  }

  #answerSync(member: Member, errorCode: number): void {
    const { syncing } = member;
    member.syncing = undefined;
    syncing?.({ errorCode, assignment: errorCode === NONE ? member.assignment : NO_BYTES });
  }
}

function refusedJoin(errorCode: number, memberId: string): JoinGroupResponse {
  return { errorCode, generation: -1, leaderId: '', memberId, members: [] };
}
