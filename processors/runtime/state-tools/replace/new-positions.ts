import type { PartitionRange } from '../../../../platform/kafka/log-reader.ts';
import type { Kafka, TopicPartitionOffset } from '../../../../platform/kafka/port.ts';
import { namespaced } from '../../../../schemas/topics.ts';
import { channelsOf, type Application } from '../application.ts';
import type { ReplacedTask } from './replacement.ts';

/** Where a task goes on, by contract topic. */
export type Positions = Readonly<Record<string, number>>;

type Ranges = ReadonlyMap<string, readonly PartitionRange[]>;

/** Where tasks go on after their state was replaced. */
export class NewPositions {
  readonly #application: Application;
  readonly #ranges: Ranges;
  readonly #saidAgain: ReadonlySet<string>;

  /**
   * Looks at the topics now: whatever is in a channel by now is passed over where its writers say it again.
   * @param replaced names of the sub-topologies whose tasks are replaced
   */
  static async look(
    kafka: Kafka,
    application: Application,
    replaced: ReadonlySet<string>,
  ): Promise<NewPositions> {
    const { subtopologies, namespace } = application;
    const inputs = subtopologies.filter(({ name }) => replaced.has(name)).flatMap((s) => s.inputs);
    const topics = [...new Set(inputs.map(({ topic }) => topic))];
    const ranges = await Promise.all(
      topics.map(async (topic) => [topic, await kafka.admin.offsets(namespaced(namespace, topic))] as const),
    );
    const saidAgain = channelsOf(application).filter(({ writers }) =>
      writers.some((name) => replaced.has(name)),
    );
    return new NewPositions(application, new Map(ranges), new Set(saidAgain.map(({ topic }) => topic)));
  }

  private constructor(application: Application, ranges: Ranges, saidAgain: ReadonlySet<string>) {
    this.#application = application;
    this.#ranges = ranges;
    this.#saidAgain = saidAgain;
  }

  /** @param saved where it was in topics from outside; at their first records where absent */
  of({ subtopology, partition }: ReplacedTask, saved: Positions = {}): Positions {
    const inputs = this.#application.subtopologies.find(({ name }) => name === subtopology)?.inputs ?? [];
    return Object.fromEntries(
      inputs.map(({ topic }) => {
        const range = this.#ranges.get(topic)?.find((one) => one.partition === partition);
        const { start = 0, end = 0 } = range ?? {};
        return [topic, this.#saidAgain.has(topic) ? end : (saved[topic] ?? start)];
      }),
    );
  }

  /** Positions of a task as offsets of its group. */
  offsetsOf({ partition }: ReplacedTask, positions: Positions): readonly TopicPartitionOffset[] {
    const { namespace } = this.#application;
    return Object.entries(positions).map(([topic, offset]) => ({
      topic: namespaced(namespace, topic),
      partition,
      offset,
    }));
  }
}
