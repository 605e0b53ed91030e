import type { Explained, Output, Subtopology } from '../topology.ts';
import { checkTopology } from './checks.ts';
import { componentsOf, type Component } from './components.ts';
import { holdsOf, type Hold } from './holds.ts';
import { describeTopology } from './describe.ts';
import type { Graph, TargetSpec } from './graph.ts';
import { mermaidOf } from './mermaid.ts';
import { componentProcessor } from './component-processor.ts';
import { explainedPart } from './explained.ts';
import { inputsOf } from './reach.ts';
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
      writes: component.nodes.flatMap(({ kind, target, evidence }) =>
        kind === 'sink' && target !== undefined
          ? [target.topic, ...(evidence === undefined ? [] : [evidence])]
          : [],
      ),
      outputs: outputsOf(graph, component, { holds, readers }),
      ...(retired.has(component.name) ? { retired: retired.get(component.name) ?? [] } : {}),
      ...explainedOf(graph, component, holds),
      create: (context) => componentProcessor({ graph, component, holds, context }),
    })),
    describe: () => describeTopology(name, graph, components),
    mermaid: () => mermaidOf(graph, components),
  };
}

/** How what a component decides is explained, where it decides anything that can be. */
function explainedOf(
  graph: Graph,
  component: Component,
  holds: readonly Hold[],
): { readonly explained?: Explained } {
  const part = explainedPart(graph, component);
  if (part === undefined) return {};
  const inputs = part.entries.map(({ input }) => input);
  return {
    explained: {
      inputs: inputs.map(({ topic }) => topic),
      topics: [...new Set(part.nodes.flatMap(({ evidence }) => evidence ?? []))],
      part: {
        ...{ name: component.name, inputs },
        create: (context) => componentProcessor({ graph, component: part, holds, context }),
      },
    },
  };
}

interface Surroundings {
  readonly holds: readonly Hold[];
  readonly readers: ReadonlyMap<string, Component>;
}

function outputsOf(graph: Graph, component: Component, { holds, readers }: Surroundings): readonly Output[] {
  const reach = inputsOf(graph, component);
  const outputs = new Map<string, Output & { readonly holdMs: number; readonly from: readonly string[] }>();
  for (const { id, target } of component.nodes) {
    const made = target && madeOf(target, readers);
    if (made === undefined) continue;
    // Several nodes may write a topic: it has one time, that of the one which is furthest behind.
    const other = outputs.get(made.topic);
    const holdMs = Math.max(holds[id]?.afterMs ?? 0, other?.holdMs ?? 0);
    const from = [...new Set([...(reach.get(id) ?? []), ...(other?.from ?? [])])];
    outputs.set(made.topic, { ...made, holdMs, from });
  }
  return [...outputs.values()];
}

/** The topic that a node writes, where others of the topology read it and trust its time. */
function madeOf(target: TargetSpec, readers: Surroundings['readers']): Output | undefined {
  const reader = readers.get(target.topic);
  const entry = reader?.entries.find(({ input }) => input.topic === target.topic);
  // Of a topic that is deduplicated others are writers too: its time follows its events.
  if (reader === undefined || entry?.input.deduplicated === true) return undefined;
  if (!target.isRepartition) return { topic: target.topic };
  // Beside topics from outside, a repartition topic must have as many partitions as they have.
  const beside = reader.entries.find(({ node }) => node.kind === 'source')?.input.topic;
  return {
    topic: target.topic,
    made: target.partitions ?? (beside === undefined ? 'inputs' : { like: beside }),
  };
}
