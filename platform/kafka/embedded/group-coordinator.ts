import { MillraceError } from '../../errors.ts';
import type { Assign, TopicPartition } from '../port.ts';
import type { LogState } from './log-state.ts';

/** What the coordinator asks of a member. */
export interface CoordinatedMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly assign: Assign;
  /** How long a rebalance waits for the member to let go. */
  readonly rebalanceTimeoutMs: number;
  /** Resolves when the owner's hook has. */
  revoke(): Promise<void>;
  /** Resolves when the owner's hook has. */
  take(partitions: readonly TopicPartition[]): Promise<void>;
  /** It was too slow: from now on nothing of what it held is delivered to it. */
  expelled(): void;
  fail(error: Error): void;
}

/**
 * One consumer group of this process. A rebalance stops all members, awaits that each has let go, and only then hands
 * out: no partition ever has two owners (Kafka's eager protocol), unless one of them would not let go in time.
 */
export class GroupCoordinator {
  readonly #state: LogState;
  readonly #members = new Map<string, Membership>();
  /** Members that join again when their hook has ended. */
  readonly #expelled = new Set<CoordinatedMember>();
  #isWanted = false;
  #isRunning = false;
  #counts = '';

  constructor(state: LogState) {
    this.#state = state;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Members, those that are expelled and come back included. */
  get size(): number {
    return this.#members.size + this.#expelled.size;
  }

  join(member: CoordinatedMember): void {
    this.#members.set(member.id, { member, owned: [], taking: Promise.resolve() });
    this.#rebalance();
  }

  leave(member: CoordinatedMember): void {
    this.#expelled.delete(member);
    if (this.#members.delete(member.id) && !this.isEmpty) this.#rebalance();
  }

  /** Rebalances where the number of partitions of a subscribed topic is not what it was. */
  topicsChanged(): void {
    if (!this.isEmpty && this.#fingerprint() !== this.#counts) this.#rebalance();
  }

  #rebalance(): void {
    this.#isWanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await Promise.all([...this.#members.values()].map((membership) => this.#revoke(membership)));
      // Who came or left meanwhile is taken into account before anything is handed out.
      if (this.#wanted()) continue;
      this.#counts = this.#fingerprint();
      this.#handOut([...this.#members.values()]);
    }
    this.#isRunning = false;
  }

  /** A member that does not let go in time is expelled, and joins again as a new one as soon as it has. */
  async #revoke({ member, taking }: Membership): Promise<void> {
    const revoking = taking.then(() => member.revoke());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), member.rebalanceTimeoutMs);
    });
    const outcome = await Promise.race([revoking, late]);
    clearTimeout(timer);
    if (outcome !== 'late' || !this.#members.delete(member.id)) return;
    member.expelled();
    this.#expelled.add(member);
    void revoking.then(() => {
      if (this.#expelled.delete(member)) this.join(member);
    });
  }

  #handOut(memberships: readonly Membership[]): void {
    try {
      const assignment = this.#assign(memberships);
      for (const membership of memberships) {
        const { member } = membership;
        membership.owned = assignment.get(member.id) ?? [];
        membership.taking = member
          .take(membership.owned)
          .catch((error: unknown) => member.fail(asError(error)));
      }
    } catch (error) {
      for (const { member } of memberships) member.fail(asError(error));
    }
  }

  #wanted(): boolean {
    return this.#isWanted;
  }

  #assign(members: readonly Membership[]): ReadonlyMap<string, readonly TopicPartition[]> {
    const [leader] = members;
    if (leader === undefined) return new Map();
    const assignment = leader.member.assign(owners(members), this.#topics());
    const seen = new Set<string>();
    for (const { topic, partition } of [...assignment.values()].flat()) {
      const key = `${topic}/${partition}`;
      this.#state.partition(topic, partition);
      if (seen.has(key))
        throw new MillraceError('MR_INTERNAL', 'a partition was assigned twice', { context: { key } });
      seen.add(key);
    }
    return assignment;
  }

  #topics(): ReadonlyMap<string, number> {
    const names = new Set([...this.#members.values()].flatMap(({ member }) => member.topics));
    const topics = new Map<string, number>();
    for (const name of [...names].sort()) {
      const topic = this.#state.topic(name);
      if (topic !== undefined) topics.set(name, topic.partitions.length);
    }
    return topics;
  }

  #fingerprint(): string {
    return JSON.stringify([...this.#topics()]);
  }
}

interface Membership {
  readonly member: CoordinatedMember;
  owned: readonly TopicPartition[];
  /** Resolves when the member has taken over what it was given last. */
  taking: Promise<void>;
}

function owners(members: readonly Membership[]): Parameters<Assign>[0] {
  return members
    .map(({ member, owned }) => ({ memberId: member.id, owned }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
