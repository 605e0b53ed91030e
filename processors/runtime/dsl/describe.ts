import type { Component } from './components.ts';
import type { Graph, GraphNode } from './graph.ts';

/** A topology as text: its sub-topologies, what each reads, and its nodes in order, each with the nodes it feeds. */
export function describeTopology(name: string, graph: Graph, components: readonly Component[]): string {
  return [`Topology ${name}`, ...components.map((component) => describeComponent(graph, component))].join(
    '\n',
  );
}

function describeComponent(graph: Graph, { name, nodes, entries }: Component): string {
  const sources = entries.map(({ input, node }) => {
    const notes = [
      input.codec?.name ?? 'events',
      ...(input.deduplicated === true ? ['without duplicates'] : []),
      ...(input.tombstones === true ? ['table'] : []),
      ...(node.kind === 'repartition' ? ['carries watermarks'] : []),
    ];
    return `    ${input.topic} (${notes.join(', ')}) → ${feeds(graph, node)}`;
  });
  const inner = nodes.filter(({ source }) => source === undefined);
  return [
    `  Sub-topology ${name}`,
    ...sources,
    ...inner.map((node) => `    ${nodeId(node)} ${node.label}${onward(graph, node)}`),
  ].join('\n');
}

function onward(graph: Graph, node: GraphNode): string {
  if (node.kind === 'repartition') return ` → ${node.target?.topic ?? ''}`;
  const fed = feeds(graph, node);
  return fed === '' ? '' : ` → ${fed}`;
}

function feeds(graph: Graph, node: GraphNode): string {
  return graph
    .readersOf(node.id)
    .map((reader) => nodeId(reader.node))
    .join(', ');
}

function nodeId({ id }: GraphNode): string {
  return `#${id}`;
}
