export { isOneOf, topology, type TopologyBuilder } from './topology-builder.ts';
export { type Topology } from './compile.ts';
export type { Meta, NodeContext, Push } from './graph.ts';
export { Stream, Table, type WindowedStream } from './stream.ts';
export { toEvents, toFacts, toOnline, toTopic, toWindowTable, type Sink } from './sinks.ts';
