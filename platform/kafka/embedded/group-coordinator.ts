import { MillraceError } from '../../errors.ts';
import type { Assign, TopicPartition } from '../port.ts';
import type { LogState } from './log-state.ts';

/** What the coordinator asks of a member. Both resolve when the owner's hook has. */
export interface CoordinatedMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly assign: Assign;
  revoke(): Promise<void>;
  take(partitions: readonly TopicPartition[]): Promise<void>;
  fail(error: Error): void;
}

/**
 * One consumer group of this process. A rebalance stops all members, awaits that each has let go, and only then hands
 * out: no partition ever has two owners (Kafka's eager protocol).
 */
export class GroupCoordinator {
  readonly #state: LogState;
  readonly #members = new Map<string, CoordinatedMember>();
  #isWanted = false;
  #isRunning = false;
  #counts = '';

  constructor(state: LogState) {
    this.#state = state;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  join(member: CoordinatedMember): void {
    this.#members.set(member.id, member);
    this.#rebalance();
  }

  leave(member: CoordinatedMember): void {
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
      await Promise.all([...this.#members.values()].map((member) => member.revoke()));
      // Who came or left meanwhile is taken into account before anything is handed out.
      if (this.#wanted()) continue;
      this.#counts = this.#fingerprint();
      await this.#handOut([...this.#members.values()]);
    }
    this.#isRunning = false;
  }

  async #handOut(members: readonly CoordinatedMember[]): Promise<void> {
    try {
      const assignment = this.#assign(members);
      await Promise.all(members.map((member) => member.take(assignment.get(member.id) ?? [])));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const member of members) member.fail(failure);
    }
  }

  #wanted(): boolean {
    return this.#isWanted;
  }

  #assign(members: readonly CoordinatedMember[]): ReadonlyMap<string, readonly TopicPartition[]> {
    const [leader] = members;
    if (leader === undefined) return new Map();
    const assignment = leader.assign(members.map((member) => member.id).sort(), this.#topics());
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
    const names = new Set([...this.#members.values()].flatMap((member) => member.topics));
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
