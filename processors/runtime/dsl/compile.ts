import type { Output, Subtopology } from '../topology.ts';
import { checkTopology } from './checks.ts';
import { componentsOf, type Component } from './components.ts';
import { holdsOf } from './holds.ts';
import { describeTopology } from './describe.ts';
import type { Graph, GraphNode } from './graph.ts';
import { mermaidOf } from './mermaid.ts';
import { componentProcessor } from './component-processor.ts';
import { topologyError } from './topology-error.ts';

/** A topology as a value: it can be run, tested without Kafka, printed and drawn. */
export interface Topology {
  readonly name: string;
  readonly subtopologies: readonly Subtopology[];
  /** As text, for people. */
  describe(): string;
  /** As a Mermaid flowchart. */
  mermaid(): string;
}

export interface TopologyDraft {
  readonly name: string;
  readonly graph: Graph;
  /** Stores of earlier versions by sub-topology. */
  readonly retired: ReadonlyMap<string, readonly string[]>;
  /** Found while it was built. */
  readonly faults: readonly string[];
}

/** @throws MillraceError MR_TOPOLOGY_INVALID, naming every fault */
export function compile(draft: TopologyDraft): Topology {
  const { name, graph, retired } = draft;
  const components = componentsOf(graph);
  const faults = [...draft.faults, ...checkTopology(graph, components, [...retired.keys()])];
  if (faults.length > 0) throw topologyError(name, faults);
  const holds = holdsOf(graph);
  const readers = new Map(components.flatMap((c) => c.entries.map(({ input }) => [input.topic, c] as const)));
  return {
    name,
    subtopologies: components.map((component) => ({
      name: component.name,
      inputs: component.entries.map(({ input }) => input),
      outputs: component.nodes.flatMap((node) => outputOf(node, holds[node.id]?.afterMs ?? 0, readers)),
      ...(retired.has(component.name) ? { retired: retired.get(component.name) ?? [] } : {}),
      create: (context) => componentProcessor({ graph, component, holds, context }),
    })),
    describe: () => describeTopology(name, graph, components),
    mermaid: () => mermaidOf(graph, components),
  };
}

/** The topic that a node writes, where others of the topology read it. */
function outputOf(
  node: GraphNode,
  holdMs: number,
  readers: ReadonlyMap<string, Component>,
): readonly Output[] {
  const { target } = node;
  const reader = target && readers.get(target.topic);
  if (target === undefined || reader === undefined) return [];
  if (!target.isRepartition) return [{ topic: target.topic, holdMs }];
  // Beside topics from outside, a repartition topic must have as many partitions as they have.
  const beside = reader.entries.find((entry) => entry.node.kind === 'source')?.input.topic;
  const made = target.partitions ?? (beside === undefined ? 'inputs' : { like: beside });
  return [{ topic: target.topic, holdMs, made }];
}
