import { MillraceError } from '../../../platform/errors.ts';
import type { Kafka, TopicSpec } from '../../../platform/kafka/port.ts';
import {
  changelogTopic,
  deadLetterTopic,
  lateTopic,
  MAX_SIDE_RECORD_BYTES,
  namespaced,
} from '../../../schemas/topics.ts';
import { taskId } from '../task/task.ts';
import type { Output, Subtopology } from '../topology.ts';

/** A large value of the state, or a record that was put aside, must fit. */
const MAX_MESSAGE_BYTES = String(MAX_SIDE_RECORD_BYTES);
const DAY_MS = 86_400_000;
const CHANGELOG = { 'cleanup.policy': 'compact', 'max.message.bytes': MAX_MESSAGE_BYTES };
const keptFor = (days: number) => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(days * DAY_MS),
  'max.message.bytes': MAX_MESSAGE_BYTES,
});

/**
 * The topics of an application as its tasks see them: names in the namespace, partition counts, and which tasks write
 * what others read. Makes those that belong to the engine: changelogs, repartition topics and their side topics.
 */
export class ApplicationTopics {
  readonly #subtopologies: readonly Subtopology[];
  readonly #namespace: string;
  /** By contract name. */
  readonly #partitions = new Map<string, number>();
  readonly #upstream = new Map<string, readonly string[]>();

  constructor(subtopologies: readonly Subtopology[], namespace: string) {
    this.#subtopologies = subtopologies;
    this.#namespace = namespace;
  }

  readonly nameOf = (topic: string): string => namespaced(this.#namespace, topic);

  readonly changelogOf = (subtopology: string): string => changelogTopic(this.#namespace, subtopology);

  readonly partitionsOf = (topic: string): number => this.#partitions.get(topic) ?? 0;

  /** Ids of the tasks that write a topic; none for topics from outside. */
  readonly upstreamOf = (topic: string): readonly string[] => this.#upstream.get(topic) ?? [];

  /**
   * Finds the partition counts, checks that the inputs of each sub-topology have equal ones, and makes the engine's own
   * topics.
   * @throws MillraceError MR_TOPOLOGY_UNKNOWN_TOPIC, MR_KAFKA_TOPIC_MISMATCH
   */
  async prepare({ admin }: Pick<Kafka, 'admin'>): Promise<void> {
    const made = this.#subtopologies.flatMap(({ outputs = [] }) => outputs).filter(isMade);
    const outside = this.#topics().filter((topic) => made.every((output) => output.topic !== topic));
    const counts = await admin.partitionCounts(outside.map(this.nameOf));
    for (const topic of outside) this.#partitions.set(topic, counts.get(this.nameOf(topic)) ?? 0);
    this.#requireKnown(outside);
    this.#countMade();
    for (const subtopology of this.#subtopologies) this.#requireEqualCounts(subtopology);
    this.#findUpstream();
    const specs = [...made.flatMap((output) => this.#repartitionSpecs(output)), ...this.#changelogSpecs()];
    await admin.ensureTopics(specs);
  }

  /** Number of tasks of a sub-topology. */
  tasksOf(subtopology: Subtopology): number {
    return this.partitionsOf(subtopology.inputs[0]?.topic ?? '');
  }

  #topics(): readonly string[] {
    const inputs = this.#subtopologies.flatMap((subtopology) => subtopology.inputs.map(({ topic }) => topic));
    const outputs = this.#subtopologies.flatMap(({ outputs: all = [] }) => all.map(({ topic }) => topic));
    const written = this.#subtopologies.flatMap(({ writes = [] }) => writes);
    return [...new Set([...inputs, ...outputs, ...written])];
  }

  #requireKnown(outside: readonly string[]): void {
    const unknown = outside.filter((topic) => this.partitionsOf(topic) === 0).map(this.nameOf);
    if (unknown.length > 0)
      throw new MillraceError('MR_TOPOLOGY_UNKNOWN_TOPIC', `There is no topic ${unknown.join(', ')}.`, {
        context: { topics: unknown },
      });
  }

  /** A repartition topic may have as many partitions as another one that feeds it: sources first, then what they feed. */
  #countMade(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const subtopology of this.#subtopologies) {
        for (const { topic, made } of subtopology.outputs ?? []) {
          if (made === undefined || this.#partitions.has(topic)) continue;
          const count = this.#countOf(made, subtopology);
          if (count === 0) continue;
          this.#partitions.set(topic, count);
          changed = true;
        }
      }
    }
  }

  #countOf(made: NonNullable<Output['made']>, { inputs }: Subtopology): number {
    if (typeof made === 'number') return made;
    if (made !== 'inputs') return this.partitionsOf(made.like);
    return Math.max(0, ...inputs.map((input) => this.partitionsOf(input.topic)));
  }

  #requireEqualCounts({ name, inputs }: Subtopology): void {
    const counts = inputs.map(({ topic }) => this.partitionsOf(topic));
    if (counts[0] !== undefined && counts[0] > 0 && counts.every((count) => count === counts[0])) return;
    const found = inputs.map(({ topic }, index) => `${this.nameOf(topic)} (${counts[index] ?? 0})`);
    throw new MillraceError(
      'MR_KAFKA_TOPIC_MISMATCH',
      `The inputs of ${name} must exist with equal partition counts: ${found.join(', ')}.`,
    );
  }

  #findUpstream(): void {
    for (const subtopology of this.#subtopologies) {
      const tasks = Array.from({ length: this.tasksOf(subtopology) }, (_, p) => taskId(subtopology.name, p));
      for (const { topic } of subtopology.outputs ?? [])
        this.#upstream.set(topic, [...this.upstreamOf(topic), ...tasks]);
    }
  }

  #repartitionSpecs({ topic }: Output): readonly TopicSpec[] {
    const partitions = this.partitionsOf(topic);
    return [
      { topic: this.nameOf(topic), partitions, config: keptFor(1) },
      { topic: this.nameOf(lateTopic(topic)), partitions, config: keptFor(14) },
      { topic: this.nameOf(deadLetterTopic(topic)), partitions, config: keptFor(14) },
    ];
  }

  #changelogSpecs(): readonly TopicSpec[] {
    return this.#subtopologies.map((subtopology) => ({
      topic: this.changelogOf(subtopology.name),
      partitions: this.tasksOf(subtopology),
      config: CHANGELOG,
    }));
  }
}

function isMade(output: Output): boolean {
  return output.made !== undefined;
}
