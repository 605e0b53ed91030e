import type { Input } from '../topology.ts';
import type { Graph, GraphNode } from './graph.ts';

/** Nodes that must run in the same tasks: connected without a topic in between. */
export interface Component {
  readonly name: string;
  /** In the order of the graph. Repartition nodes belong to the side that writes. */
  readonly nodes: readonly GraphNode[];
  /** What it reads: topics by name, and the nodes that are fed by each. */
  readonly entries: readonly { readonly input: Input; readonly node: GraphNode }[];
}

/**
 * Cuts a graph where records go through a topic. What reads the same topic is one component: a partition of a topic
 * belongs to one task.
 */
export function componentsOf(graph: Graph): readonly Component[] {
  const parents = graph.nodes.map((_, id) => id);
  const rootOf = (id: number): number => {
    let root = id;
    while (parents[root] !== root) root = parents[root] ?? root;
    return root;
  };
  // A repartition node stands twice: its reading side is numbered behind all nodes.
  const readingSide = new Map<number, number>();
  for (const node of graph.nodes)
    if (node.kind === 'repartition') readingSide.set(node.id, parents.push(parents.length) - 1);
  // What was given one name is one sub-topology, connected or not.
  const given = new Map<string, number>();
  for (const { id, source } of graph.nodes) {
    if (source?.subtopology === undefined) continue;
    parents[rootOf(id)] = rootOf(given.get(source.subtopology) ?? id);
    given.set(source.subtopology, id);
  }
  for (const node of graph.nodes)
    for (const input of node.inputs) parents[rootOf(node.id)] = rootOf(readingSide.get(input) ?? input);

  const groups = new Map<number, { nodes: GraphNode[]; entries: { input: Input; node: GraphNode }[] }>();
  const groupOf = (id: number) => {
    const root = rootOf(id);
    const group = groups.get(root) ?? { nodes: [], entries: [] };
    groups.set(root, group);
    return group;
  };
  for (const node of graph.nodes) {
    groupOf(node.id).nodes.push(node);
    if (node.source !== undefined) groupOf(node.id).entries.push({ input: node.source.input, node });
    const reading = readingSide.get(node.id);
    if (reading !== undefined) groupOf(reading).entries.push({ input: repartitionInput(node), node });
  }
  return [...groups.values()].map((group) => ({ ...group, name: nameOf(group.entries) }));
}

function repartitionInput({ target }: GraphNode): Input {
  if (target?.codec === undefined) throw new Error('a repartition node has a topic and a codec');
  return { topic: target.topic, codec: target.codec };
}

/** The name that a source was given, else that of the repartition, else the last part of the first topic. */
function nameOf(entries: Component['entries']): string {
  const given = entries.map(({ node }) => node.source?.subtopology).find((name) => name !== undefined);
  const repartition = entries.find(({ node }) => node.kind === 'repartition')?.node.name;
  return given ?? repartition ?? entries[0]?.input.topic.split('.').at(-1) ?? 'empty';
}
