import { namespaced } from '../../../schemas/topics.ts';
import type { Input, Subtopology } from '../topology.ts';
import type { AccountReader, TaskView } from './account-reader.ts';
import type { Bucket } from './bucket-ledger.ts';
import { Digest } from './digest.ts';
import type { FactBucket, FactRange } from './fact-table.ts';
import type { FactMapping } from './remade-facts.ts';
import { factTableOf, INPUT_SHAPE } from './task-account.ts';

/** A bucket of an account, with what is known of the facts that it speaks of. */
export interface FactPart {
  readonly task: TaskView;
  readonly input: Input;
  readonly bucket: Bucket;
  readonly range: FactRange;
  /** EventIds of the facts that the task has made of the range. */
  readonly said: Digest;
}

export interface FactPartsOptions {
  readonly accounts: Pick<AccountReader, 'tasks'>;
  readonly subtopologies: readonly Subtopology[];
  readonly namespace: string;
  readonly mappings: readonly FactMapping[];
  /** Rows of earlier records go by their TTL. */
  readonly oldestMs: number;
}

/** Every bucket of every account that speaks of the facts of a table. */
export function factParts(table: string, options: FactPartsOptions): FactPart[] {
  const { accounts, subtopologies, namespace, mappings, oldestMs } = options;
  return accounts.tasks.flatMap((task) => {
    const { inputs = [] } = subtopologies.find(({ name }) => name === task.subtopology) ?? {};
    return inputs.flatMap((input) => {
      if (!mappings.some((m) => m.table === table && m.topic === input.topic)) return [];
      const topic = namespaced(namespace, input.topic);
      return (task.inputs.get(input.topic)?.buckets() ?? []).flatMap((bucket) => {
        if (bucket.firstMs < oldestMs) return [];
        const range = { topic, partition: task.partition, from: bucket.from, to: bucket.to };
        return [{ task, input, bucket, range, said: factsOf(bucket, table) }];
      });
    });
  });
}

/** EventIds of the facts of a table that the bucket speaks of. */
export function factsOf({ digests }: Bucket, table: string): Digest {
  for (const [name, digest] of digests) if (factTableOf(name) === table) return digest;
  return new Digest();
}

/** What ClickHouse has of a bucket, from what it has of fine ones. */
export function sumOf(
  there: ReadonlyMap<string, FactBucket>,
  { range, bucket }: Pick<FactPart, 'range' | 'bucket'>,
): FactBucket {
  const sum = { ids: new Digest(), content: new Digest() };
  const count = bucket.isCoarse ? INPUT_SHAPE.factor : 1;
  const first = bucket.isCoarse ? bucket.index * INPUT_SHAPE.factor : bucket.index;
  for (let index = first; index < first + count; index++) {
    const one = there.get(`${range.topic}/${range.partition}/${index}`);
    if (one === undefined) continue;
    sum.ids.merge(one.ids);
    sum.content.merge(one.content);
  }
  return sum;
}
