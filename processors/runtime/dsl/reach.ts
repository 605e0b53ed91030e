import type { Component } from './components.ts';
import type { Graph } from './graph.ts';

/** By node of a component: the topics that it reads and whose records may reach the node, itself included. */
export function inputsOf(graph: Graph, component: Component): ReadonlyMap<number, readonly string[]> {
  const reach = new Map<number, Set<string>>();
  const reached = (id: number) => {
    const topics = reach.get(id) ?? new Set<string>();
    reach.set(id, topics);
    return topics;
  };
  // What a repartition node writes is read under its own id, maybe by the component that writes it: kept apart.
  const read = new Map(component.entries.map(({ input, node }) => [node.id, input.topic]));
  for (const node of component.nodes) {
    const topics = reached(node.id);
    if (node.source !== undefined) topics.add(node.source.input.topic);
    for (const id of node.inputs) {
      const topic = graph.node(id).kind === 'repartition' ? read.get(id) : undefined;
      if (topic === undefined) for (const earlier of reached(id)) topics.add(earlier);
      else topics.add(topic);
    }
  }
  return new Map([...reach].map(([id, topics]) => [id, [...topics]]));
}
