import { createHash } from 'node:crypto';
import type { TopicPartition } from '../../../platform/kafka/port.ts';
import { changelogTopic, namespaced } from '../../../schemas/topics.ts';
import type { Declaration } from '../state/compatibility.ts';
import { OnlineViews } from '../online/online-views.ts';
import { TaskState } from '../state/task-state.ts';
import { TaskOutputs } from '../task/task-outputs.ts';
import { taskId } from '../task/task.ts';
import type { Subtopology, TaskContext } from '../topology.ts';

/** What state belongs to: a topology that runs in a consumer group and a namespace. */
export interface Application {
  readonly name: string;
  readonly groupId: string;
  readonly namespace: string;
  readonly subtopologies: readonly Subtopology[];
}

/** A topic through which sub-topologies of an application hand records on; the application owns what is in it. */
export interface Channel {
  /** Name in the contract. */
  readonly topic: string;
  /** Name in the log. */
  readonly name: string;
  readonly writers: readonly string[];
  readonly reader: string;
}

export function channelsOf({ subtopologies, namespace }: Application): readonly Channel[] {
  return subtopologies.flatMap(({ name: reader, inputs }) =>
    inputs.flatMap(({ topic }) => {
      const writers = subtopologies
        .filter(({ outputs = [] }) => outputs.some((output) => output.topic === topic))
        .map(({ name }) => name);
      return writers.length === 0 ? [] : [{ topic, name: namespaced(namespace, topic), writers, reader }];
    }),
  );
}

export function changelogPlace(
  { namespace }: Application,
  { subtopology, partition }: { readonly subtopology: string; readonly partition: number },
): TopicPartition {
  return { topic: changelogTopic(namespace, subtopology), partition };
}

/** A processor that was made to see what it declares; it processes nothing. */
export interface Probe {
  readonly state: TaskState;
  readonly online: OnlineViews;
}

/** Makes a processor of a sub-topology with a state of its own, which may be restored and looked at. */
export function probe(subtopology: Subtopology, partition: number): Probe {
  const id = taskId(subtopology.name, partition);
  const { retired } = subtopology;
  const state = new TaskState({ taskId: id, ...(retired === undefined ? {} : { retired }) });
  const online = new OnlineViews(id, () => 0);
  const now = () => 0; // nothing is processed
  const context: TaskContext = {
    partition,
    timedBy: () => context,
    recorded: () => context,
    isRecorded: false,
    isTakenAgain: false,
    decided: () => undefined,
    byTime: () => undefined,
    outputs: new TaskOutputs({ partition, topicName: (topic) => topic, now, undo: state.undo }),
    watermarkMs: () => Number.NEGATIVE_INFINITY,
    now,
    newId: () => '',
    store: (name, options) => state.store(name, options),
    onlineView: (store, view) => online.add(store, view),
    timers: (name, onDue) => state.timers(name, onDue),
    clockTimers: (name, onDue) => state.clockTimers(name, onDue),
    attach: (part) => state.attach(part),
  };
  subtopology.create(context);
  return { state, online };
}

/** What a sub-topology declares, found by making one of its processors. */
export function declarationOf(subtopology: Subtopology): Declaration {
  return probe(subtopology, 0).state.declaration;
}

/** Tells topologies apart: by their sub-topologies, the topics and the stores of each. SHA-256, in hex. */
export function topologyHash({ subtopologies }: Application): string {
  const shape = subtopologies.map((subtopology) => ({
    name: subtopology.name,
    inputs: subtopology.inputs.map(({ topic }) => topic),
    outputs: (subtopology.outputs ?? []).map(({ topic }) => topic),
    stores: [...declarationOf(subtopology).stores.values()].map(({ name, version, layout }) => [
      ...[name, version, layout],
    ]),
  }));
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex');
}
