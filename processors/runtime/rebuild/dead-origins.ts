import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import { deadLetterTopic } from '../../../schemas/topics.ts';
import { readHeads } from '../dead-letters/read-letters.ts';

/** Places of records that are among the dead letters, by partition; read once for each topic. */
export class DeadOrigins {
  readonly #log: LogReader;
  readonly #topics = new Map<string, ReadonlyMap<number, ReadonlySet<number>>>();

  constructor(log: LogReader) {
    this.#log = log;
  }

  /** @param topic name in the log of an input */
  async of(topic: string, partition: number): Promise<ReadonlySet<number>> {
    let known = this.#topics.get(topic);
    if (known === undefined) this.#topics.set(topic, (known = await this.#read(topic)));
    return known.get(partition) ?? new Set();
  }

  async #read(topic: string): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const found = new Map<number, Set<number>>();
    const letters = deadLetterTopic(topic);
    const partitions = (await this.#log.offsets([letters])).get(letters) ?? [];
    for await (const { origin } of readHeads(this.#log, [{ topic: letters, partitions }])) {
      if (origin?.topic !== topic) continue;
      const offsets = found.get(origin.partition) ?? new Set<number>();
      found.set(origin.partition, offsets.add(origin.offset));
    }
    return found;
  }
}
