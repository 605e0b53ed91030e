import type { Component } from './components.ts';
import type { Graph, GraphNode } from './graph.ts';

/** Left and right of a node's label, by kind: topics are drawn as pipes, state as a drum, sinks as flags. */
const SHAPES: Readonly<Partial<Record<GraphNode['kind'], readonly [string, string]>>> = {
  window: ['[(', ')]'],
  aggregate: ['[(', ')]'],
  join: ['[(', ')]'],
  process: ['[[', ']]'],
  sink: ['>', ']'],
};

/** A topology as a Mermaid flowchart: one frame for each sub-topology, topics between them. */
export function mermaidOf(graph: Graph, components: readonly Component[]): string {
  const lines = ['flowchart LR'];
  const topics = new Map(
    components.flatMap(({ entries }) => entries.map(({ input }, index) => [input.topic, index] as const)),
  );
  const topicIds = new Map([...topics.keys()].map((topic, index) => [topic, `t${index}`]));
  for (const [topic, id] of topicIds) lines.push(`  ${id}([${quoted(topic)}])`);
  components.forEach(({ name, nodes }, index) => {
    lines.push(`  subgraph s${index} [${quoted(name)}]`);
    for (const node of nodes) {
      if (node.source !== undefined) continue;
      const [open, close] = SHAPES[node.kind] ?? ['[', ']'];
      lines.push(`    n${node.id}${open}${quoted(node.label)}${close}`);
    }
    lines.push('  end');
  });
  for (const { entries } of components)
    for (const { input, node } of entries)
      for (const reader of graph.readersOf(node.id))
        lines.push(`  ${topicIds.get(input.topic) ?? ''} --> n${reader.node.id}`);
  for (const node of graph.nodes) {
    const topic = node.target && topicIds.get(node.target.topic);
    if (topic !== undefined) lines.push(`  n${node.id} --> ${topic}`);
    if (node.source !== undefined || node.kind === 'repartition') continue;
    for (const reader of graph.readersOf(node.id)) lines.push(`  n${node.id} --> n${reader.node.id}`);
  }
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '#quot;')}"`;
}
