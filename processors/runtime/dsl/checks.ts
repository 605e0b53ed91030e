import type { Component } from './components.ts';
import type { Graph, GraphNode } from './graph.ts';

const NAME = /^[a-z][a-z0-9-]*$/;

/** Everything that is wrong with a topology as far as it can be told without a broker. */
export function checkTopology(
  graph: Graph,
  components: readonly Component[],
  retired: readonly string[],
): readonly string[] {
  const names = components.map(({ name }) => name);
  return [
    ...(graph.nodes.some(({ kind }) => kind === 'sink' || kind === 'process')
      ? []
      : ['it writes nothing: end a stream with to(…) or process(…)']),
    ...repeated(names).map((name) => `two sub-topologies are called ${name}: name one with { subtopology }`),
    ...names.filter((name) => !NAME.test(name)).map((name) => `${name} is no name for a sub-topology`),
    ...components.flatMap((component) => twoNames(component)),
    ...nameFaults(graph),
    ...codecFaults(graph),
    ...recordFaults(graph),
    ...retired
      .filter((name) => !names.includes(name))
      .map((name) => `stores of ${name} are retired, but there is no such sub-topology`),
    ...cycleFaults(components),
  ];
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Sources that run in the same tasks and were given different names. */
function twoNames({ entries }: Component): readonly string[] {
  const given = [...new Set(entries.flatMap(({ node }) => node.source?.subtopology ?? []))];
  if (given.length < 2) return [];
  return [`${given.join(' and ')} are one sub-topology, since streams of both meet; give them one name`];
}

/** State is found again by its name. */
function nameFaults({ nodes }: Graph): readonly string[] {
  const named = nodes.flatMap((node) => (node.name === undefined || node.kind === 'process' ? [] : [node]));
  const states = named.filter(({ kind }) => kind !== 'repartition').map(({ name }) => name ?? '');
  const topics = named.filter(({ kind }) => kind === 'repartition').map(({ name }) => name ?? '');
  return [
    ...repeated(states).map((name) => `two nodes keep state under the name ${name}`),
    ...repeated(topics).map((name) => `two streams are repartitioned under the name ${name}`),
    ...named
      .filter(({ name = '' }) => !NAME.test(name))
      .map(({ name = '', label }) => `${label}: ${name} is no name; use a-z, 0-9 and -`),
  ];
}

/** A topic that is written with one codec and read with another. */
function codecFaults({ nodes }: Graph): readonly string[] {
  const read = new Map(
    nodes.flatMap((node) => (node.source ? [[node.source.input.topic, node] as const] : [])),
  );
  return nodes.flatMap((node) => {
    const reader = node.kind === 'sink' && node.target ? read.get(node.target.topic) : undefined;
    if (reader === undefined) return [];
    const [writes, reads] = [codecName(node), reader.source?.input.codec?.name ?? 'events'];
    return writes === reads ? [] : [`${reader.label} is written as ${writes} and read as ${reads}`];
  });
}

function codecName({ target }: GraphNode): string {
  return target?.codec?.name ?? 'events';
}

/** Facts stand at the place of their record in the log; the result of a window has none. */
function recordFaults(graph: Graph): readonly string[] {
  const windowBefore = (node: GraphNode): GraphNode | undefined =>
    node.kind === 'window'
      ? node
      : node.kind === 'stateless' || node.kind === 'key'
        ? node.inputs.map((id) => windowBefore(graph.node(id))).find((found) => found !== undefined)
        : undefined;
  return graph.nodes.flatMap(({ needsRecord, label, inputs }) => {
    if (needsRecord !== true) return [];
    const window = inputs.map((id) => windowBefore(graph.node(id))).find((found) => found !== undefined);
    return window === undefined
      ? []
      : [`${label} are rows of records; the results of ${window.name ?? window.label} go to a window table`];
  });
}

/** Around a circle of topics every watermark waits for itself. */
function cycleFaults(components: readonly Component[]): readonly string[] {
  const readers = new Map(components.flatMap((c) => c.entries.map(({ input }) => [input.topic, c] as const)));
  const visit = (component: Component, way: readonly Component[]): readonly string[] => {
    const at = way.indexOf(component);
    if (at >= 0) return [[...way.slice(at), component].map(({ name }) => name).join(' → ')];
    return component.nodes.flatMap(({ target }) => {
      const reader = target && readers.get(target.topic);
      return reader === undefined ? [] : visit(reader, [...way, component]);
    });
  };
  const found = components.flatMap((component) => visit(component, []))[0];
  return found === undefined ? [] : [`its topics go in a circle: ${found}`];
}
