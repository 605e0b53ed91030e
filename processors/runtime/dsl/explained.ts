import type { Component } from './components.ts';
import type { Graph } from './graph.ts';

/** The part of a component that leads to sinks whose writes are explained; undefined where there are none. */
export function explainedPart(graph: Graph, component: Component): Component | undefined {
  const leads = new Set<number>();
  const follow = (id: number) => {
    if (leads.has(id)) return;
    leads.add(id);
    const node = graph.node(id);
    // What a repartition node writes comes back as an input, even where the same component writes it.
    if (node.kind === 'repartition') return;
    for (const input of node.inputs) follow(input);
  };
  for (const { id, evidence } of component.nodes) if (evidence !== undefined) follow(id);
  if (leads.size === 0) return undefined;
  return {
    name: component.name,
    nodes: component.nodes.filter(({ id, kind }) => leads.has(id) && kind !== 'repartition'),
    entries: component.entries.filter(({ node }) => leads.has(node.id)),
  };
}
