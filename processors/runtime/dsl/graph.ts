/** The graph behind a topology: what the DSL adds to, and what is compiled, checked and drawn. */
import type { Codec } from '../codec.ts';
import type { StepResult } from '../step-result.ts';
import type { Input, Position, TaskContext } from '../topology.ts';

/** What goes along with a value from node to node. */
export interface Meta {
  /** Key at this point; null where the record came without one. */
  readonly key: string | null;
  /** When it happened, epoch ms. */
  readonly eventTimeMs: number;
  /** When it was taken in, epoch ms. */
  readonly ingestTimeMs: number;
  /** The record that caused it; undefined for what time alone caused, such as a window that closed. */
  readonly position: Position | undefined;
}

/** Hands a value to a node. */
export type Push<V> = (value: V, meta: Meta) => void;

/** What a node is made with: the context of its task, and a place to say what became of the present record. */
export interface NodeContext extends TaskContext {
  /** The most telling result of a record counts: late before ok, ok before drop. */
  readonly report: (result: StepResult) => void;
  /** Has something done before each commit; for what is held outside of stores. */
  readonly beforeCommit: (act: () => void) => void;
}

export type NodeKind =
  | 'source'
  | 'stateless'
  | 'key'
  | 'repartition'
  | 'window'
  | 'aggregate'
  | 'join'
  | 'process'
  | 'sink';

export interface GraphNode {
  readonly id: number;
  readonly kind: NodeKind;
  /** Of nodes with state, unique in the topology: their stores carry it. */
  readonly name: string | undefined;
  /** For people: `filter`, `window tumbling(60000)`. */
  readonly label: string;
  /** The node that feeds each port. */
  readonly inputs: readonly number[];
  /** How far behind the watermark its results may be, ms. */
  readonly holdMs: number;
  /** Whether it keeps state by key, so that equal keys must meet in one task. */
  readonly isKeyed: boolean;
  readonly source?: SourceSpec;
  readonly target?: TargetSpec;
  /** Whether each of its values must come with the record that caused it: a row at a place in the log. */
  readonly needsRecord?: boolean;
  /** The topic of the evidence, where what it writes can be explained. */
  readonly evidence?: string;
  /** Makes the node for a task: one function for each port. `next` takes what it says. */
  build(context: NodeContext, next: Push<unknown>): readonly Push<never>[];
}

/** What a source node reads. */
export interface SourceSpec {
  readonly input: Input;
  /** Name of the sub-topology, where it was given. */
  readonly subtopology: string | undefined;
}

/** Where a node writes to a topic that others of the same topology may read. */
export interface TargetSpec {
  readonly topic: string;
  readonly codec: Codec<never> | undefined;
  /** For a repartition topic: how many partitions; as the sub-topology that reads it needs where undefined. */
  readonly partitions?: number | undefined;
  readonly isRepartition: boolean;
}

export type NodeDraft = Omit<GraphNode, 'id' | 'holdMs' | 'isKeyed' | 'name'> &
  Partial<Pick<GraphNode, 'holdMs' | 'isKeyed' | 'name'>>;

/** Nodes in the order in which they were added: a node comes after those that feed it. */
export class Graph {
  readonly nodes: GraphNode[] = [];

  add(draft: NodeDraft): GraphNode {
    const { name, holdMs = 0, isKeyed = false, ...rest } = draft;
    const node: GraphNode = { ...rest, id: this.nodes.length, name, holdMs, isKeyed };
    this.nodes.push(node);
    return node;
  }

  node(id: number): GraphNode {
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`the graph has no node ${id}`);
    return node;
  }

  /** The nodes that a node feeds, each with its port. */
  readersOf(id: number): readonly { readonly node: GraphNode; readonly port: number }[] {
    return this.nodes.flatMap((node) =>
      node.inputs.flatMap((input, port) => (input === id ? [{ node, port }] : [])),
    );
  }
}
