import { MillraceError } from '../../../errors.ts';
import { systemScheduler } from '../../../scheduler.ts';
import type { ClusterClient } from '../cluster-client.ts';
import type { Api } from '../protocol/api.ts';
import type { MetadataResponse } from '../protocol/metadata-api.ts';

/** One request as the cluster saw it. */
export interface SeenRequest {
  readonly node: number | 'any';
  readonly api: string;
  readonly request: unknown;
}

/** Answers a request, or throws what the connection would. */
export type Script = (seen: SeenRequest) => unknown;

export interface ScriptedCluster extends ClusterClient {
  readonly seen: readonly SeenRequest[];
  /** Moves a partition; clients learn of it at their next refresh. */
  lead(topic: string, partition: number, node: number): void;
  /** Deletes a topic and makes it anew. */
  recreate(topic: string): void;
}

/** A cluster whose brokers answer by script: faults that a real broker shows only by chance. */
export function createScriptedCluster(script: Script): ScriptedCluster {
  const truth = new Map<string, number[]>();
  const known = new Map<string, readonly number[]>();
  const seen: SeenRequest[] = [];
  const ids = new Map<string, string>();
  /** A coordinator moves to the next node whenever it was forgotten. */
  const coordinators = new Map<string, number>();
  let lookups = 0;
  return {
    scheduler: systemScheduler,
    seen,
    lead(topic, partition, node) {
      const leaders = truth.get(topic) ?? [];
      leaders[partition] = node;
      truth.set(topic, leaders);
      if (!ids.has(topic)) ids.set(topic, topic);
      if (!known.has(topic)) known.set(topic, leaders.slice());
      else if ((known.get(topic)?.length ?? 0) < leaders.length) known.set(topic, leaders.slice());
    },
    recreate(topic) {
      ids.set(topic, `${ids.get(topic) ?? ''}again`);
    },
    async call<Q, S>(node: number | 'any', api: Api<Q, S>, request: Q): Promise<S> {
      const one = { node, api: api.name, request };
      seen.push(one);
      return (await script(one)) as S;
    },
    lastFailure: undefined,
    async refresh(topics) {
      for (const topic of topics === 'all' ? truth.keys() : topics)
        known.set(topic, [...(truth.get(topic) ?? [])]);
      const none: MetadataResponse = { brokers: [], controllerId: 1, topics: [] };
      return none;
    },
    leaderOf: ({ topic, partition }) => known.get(topic)?.[partition],
    partitionCount: (topic) => known.get(topic)?.length,
    topicId: (topic) => ids.get(topic),
    async coordinatorOf(kind, key) {
      const known = coordinators.get(key);
      if (known !== undefined) return known;
      seen.push({ node: 'any', api: `FindCoordinator ${kind}`, request: key });
      coordinators.set(key, ++lookups);
      return lookups;
    },
    forgetCoordinator: (_kind, key) => void coordinators.delete(key),
    close: () => undefined,
  };
}

/** What a call rejects with when its answer does not come. */
export function lostAnswer(): MillraceError {
  return new MillraceError('MR_KAFKA_UNAVAILABLE', 'the connection closed');
}
