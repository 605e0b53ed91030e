import { joinAsOf, joinStreams, joinTable, joinTables } from '../joins/index.ts';
import { checkBounds, checkHistory } from '../joins/join-bounds.ts';
import type { Meta, NodeDraft } from './graph.ts';
import { derivedMeta, keyedPort } from './placed-value.ts';

/** Any function of both sides; the DSL's signatures say which sides may be missing. */
export type Both = (left: never, right: never) => unknown;

export interface JoinNodeOptions {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  readonly both: Both;
}

export interface StreamJoinBounds {
  readonly kind: 'inner' | 'left' | 'outer';
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
}

export function streamJoinNode(options: JoinNodeOptions, bounds: StreamJoinBounds): NodeDraft {
  const { name, left, right, both } = options;
  const { kind, beforeMs, afterMs, graceMs } = bounds;
  checkBounds(`the join ${name}`, bounds);
  return {
    kind: 'join',
    name,
    label: `${kind} join ${name} [-${beforeMs} ms, +${afterMs} ms]`,
    inputs: [left, right],
    // A lone side is told when its interval has closed, for the time at which it happened.
    holdMs: kind === 'inner' ? 0 : Math.max(beforeMs, afterMs) + graceMs,
    isKeyed: true,
    build: (context, next) => {
      const join = joinStreams<unknown, unknown>(context, {
        name,
        type: kind,
        beforeMs,
        afterMs,
        graceMs,
        onResult: ({ key, left: l, right: r, eventTimeMs }) =>
          next(both(l as never, r as never), derivedMeta(context, key, eventTimeMs)),
      });
      return [
        keyedPort(context, (key, value, meta) => join.left(key, value, meta.eventTimeMs)),
        keyedPort(context, (key, value, meta) => join.right(key, value, meta.eventTimeMs)),
      ];
    },
  };
}

export function tableJoinNode(options: JoinNodeOptions, kind: 'inner' | 'left'): NodeDraft {
  const { name, left, right, both } = options;
  return {
    kind: 'join',
    name,
    label: `${kind} table join ${name}`,
    inputs: [left, right],
    isKeyed: true,
    build: (context, next) => {
      // The result is made while the stream's value is added, so it goes on with that value's place.
      let at: Meta | undefined;
      const join = joinTable<unknown, unknown>(context, {
        name,
        type: kind,
        onResult: ({ stream, table }) => next(both(stream as never, table as never), at as Meta),
      });
      return [
        keyedPort(context, (key, value, meta) => {
          at = meta;
          return join.stream(key, value, meta.eventTimeMs);
        }),
        keyedPort(context, (key, row) => join.table(key, row)),
      ];
    },
  };
}

export function asOfJoinNode(
  options: JoinNodeOptions,
  bounds: { readonly kind: 'inner' | 'left'; readonly historyMs: number; readonly graceMs: number },
): NodeDraft {
  const { name, left, right, both } = options;
  const { kind, historyMs, graceMs } = bounds;
  checkHistory(`the join ${name}`, bounds);
  return {
    kind: 'join',
    name,
    label: `${kind} as-of join ${name}`,
    inputs: [left, right],
    holdMs: graceMs,
    isKeyed: true,
    build: (context, next) => {
      const join = joinAsOf<unknown, unknown>(context, {
        name,
        type: kind,
        historyMs,
        graceMs,
        onResult: ({ key, stream, table, eventTimeMs }) =>
          next(both(stream as never, table as never), derivedMeta(context, key, eventTimeMs)),
      });
      return [
        keyedPort(context, (key, value, meta) => join.stream(key, value, meta.eventTimeMs)),
        keyedPort(context, (key, row, meta) => join.table(key, row, meta.eventTimeMs)),
      ];
    },
  };
}

export function tablesJoinNode(options: JoinNodeOptions, kind: 'inner' | 'left' | 'outer'): NodeDraft {
  const { name, left, right, both } = options;
  return {
    kind: 'join',
    name,
    label: `${kind} join ${name} of tables`,
    inputs: [left, right],
    isKeyed: true,
    build: (context, next) => {
      let eventTimeMs = 0;
      const join = joinTables<unknown, unknown>(context, {
        name,
        type: kind,
        onResult: ({ key, value }) =>
          next(
            value === null ? null : both(value.left as never, value.right as never),
            derivedMeta(context, key, eventTimeMs),
          ),
      });
      return [
        keyedPort(context, (key, row, meta) => {
          ({ eventTimeMs } = meta);
          return join.left(key, row);
        }),
        keyedPort(context, (key, row, meta) => {
          ({ eventTimeMs } = meta);
          return join.right(key, row);
        }),
      ];
    },
  };
}
