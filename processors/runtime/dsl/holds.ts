import type { Graph } from './graph.ts';

/** How far behind the watermark of its task a node may be, ms: in what it is given, and in what it says. */
export interface Hold {
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** By node: the largest sum of holds on a way to it, from where its task reads. */
export function holdsOf(graph: Graph): readonly Hold[] {
  const holds: Hold[] = [];
  for (const { inputs, holdMs } of graph.nodes) {
    const before = inputs.map((id) =>
      graph.node(id).kind === 'repartition' ? 0 : (holds[id]?.afterMs ?? 0),
    );
    const beforeMs = Math.max(0, ...before);
    holds.push({ beforeMs, afterMs: beforeMs + holdMs });
  }
  return holds;
}
