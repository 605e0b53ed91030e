import { DROP, type StepResult } from '../step-result.ts';
import type { InputRecord, Processor, TaskContext } from '../topology.ts';
import type { Component } from './components.ts';
import type { Graph, GraphNode, NodeContext, Push } from './graph.ts';
import { PresentAct } from './present-act.ts';
import type { Hold } from './holds.ts';
import { explainedPart } from './explained.ts';
import { inputsOf } from './reach.ts';
import { timedContext } from './node-context.ts';

export interface ComponentOptions {
  readonly graph: Graph;
  readonly component: Component;
  readonly holds: readonly Hold[];
  readonly context: TaskContext;
}

/** Makes the nodes of a component for one task, and the processor that feeds them. */
export function componentProcessor(options: ComponentOptions): Processor {
  let holdsMore = false;
  const { context } = options;
  const present = new PresentAct(context);
  const nodeContextOf = (task: TaskContext): NodeContext => ({
    ...task,
    report: (result) => present.report(result),
    byTime: (act, run) => present.byTime(act, run),
    beforeCommit: (act) => {
      holdsMore = true;
      task.attach({ beforeCommit: act });
    },
  });
  const plain = nodeContextOf(context);
  const explained = explainedPart(options.graph, options.component);
  const leads = new Set(explained?.nodes.map(({ id }) => id));
  const recorded = explained === undefined ? plain : nodeContextOf(context.recorded());
  const contextOf = ({ id }: GraphNode) => (leads.has(id) ? recorded : plain);
  const entries = entryPoints(options, { contextOf, present });
  return {
    holdsMore,
    process(record: InputRecord<never>): StepResult {
      const entry = entries.get(record.topic);
      if (entry === undefined) return DROP;
      if (entry.needsKey && record.key === null) return NO_KEY;
      const { key, eventTimeMs, ingestTimeMs } = record;
      present.begin();
      try {
        entry.push(record.value, { key, eventTimeMs, ingestTimeMs, position: record });
      } finally {
        present.end();
      }
      return present.result;
    },
  };
}

const NO_KEY: StepResult = {
  kind: 'dead-letter',
  code: 'MR_PROCESS_NULL_KEY',
  reason: 'the record has no key, and what reads it keeps state by key',
};

interface Entry {
  readonly push: Push<never>;
  /** Whether a record without a key would be lost in a node that keeps state by key. */
  readonly needsKey: boolean;
}

function entryPoints(
  { graph, component, holds }: ComponentOptions,
  {
    contextOf,
    present,
  }: { readonly contextOf: (node: GraphNode) => NodeContext; readonly present: PresentAct },
): ReadonlyMap<string, Entry> {
  const ports = new Map<number, readonly Push<never>[]>();
  const isIn = new Set(component.nodes.map(({ id }) => id));
  const readersOf = (node: GraphNode) =>
    fanOut(
      graph
        .readersOf(node.id)
        .filter((reader) => isIn.has(reader.node.id))
        .map((reader) => portOf(ports, reader)),
    );
  const reach = inputsOf(graph, component);
  const connect: (() => void)[] = [];
  // In the order of the graph, so that time and commits reach a node before those that it feeds, which are made later.
  for (const node of component.nodes) {
    if (node.source !== undefined) continue;
    let readers: Push<never> = () => undefined;
    const timed = timedContext(contextOf(node), {
      inputs: reach.get(node.id) ?? [],
      holdMs: holds[node.id]?.beforeMs ?? 0,
    });
    ports.set(
      node.id,
      node.build(timed, (value, meta) => {
        if (present.isOfRecord) readers(value as never, meta);
        else present.says(node, { value, meta }, () => readers(value as never, meta));
      }),
    );
    if (node.kind !== 'repartition') connect.push(() => (readers = readersOf(node)));
  }
  for (const act of connect) act();
  return new Map(
    component.entries.map(({ input, node }) => [
      input.topic,
      { push: readersOf(node), needsKey: needsKey(graph, node) },
    ]),
  );
}

function portOf(
  ports: ReadonlyMap<number, readonly Push<never>[]>,
  { node, port }: { readonly node: GraphNode; readonly port: number },
): Push<never> {
  const push = ports.get(node.id)?.[port];
  if (push === undefined) throw new Error(`node ${node.label} has no port ${port}`);
  return push;
}

function fanOut(pushes: readonly Push<never>[]): Push<never> {
  const [only, ...others] = pushes;
  if (only === undefined) return () => undefined;
  if (others.length === 0) return only;
  return (value, meta) => {
    for (const push of pushes) push(value, meta);
  };
}

/** Whether the key of a node's records reaches one that keeps state by it. */
function needsKey(graph: Graph, from: GraphNode): boolean {
  return graph.readersOf(from.id).some(({ node }) => {
    if (node.kind === 'key' || node.kind === 'process') return false;
    return node.isKeyed || node.kind === 'repartition' || needsKey(graph, node);
  });
}
