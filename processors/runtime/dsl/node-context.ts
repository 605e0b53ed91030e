import { EventTimers } from '../time/event-timers.ts';
import type { StatefulPart } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import type { NodeContext } from './graph.ts';

/**
 * The context of a node whose values may be behind the watermark of the task by a hold: for it, time lags by as much, so
 * that what an earlier node says of a window that has closed is not late for the next one.
 */
export function heldContext(context: NodeContext, holdMs: number): NodeContext {
  if (holdMs === 0) return context;
  const attach: TaskContext['attach'] = (part) => context.attach(heldPart(part, holdMs));
  return {
    ...context,
    attach,
    watermarkMs: () => context.watermarkMs() - holdMs,
    timers: (name, onDue) => {
      const timers = new EventTimers(context.store(name, { layout: 'timers' }), onDue);
      attach(timers.byEventTime());
      return timers;
    },
  };
}

function heldPart(part: StatefulPart, holdMs: number): StatefulPart {
  return {
    rebuild: (watermarkMs) => part.rebuild?.(watermarkMs - holdMs),
    advance: (watermarkMs, reason) => part.advance?.(watermarkMs - holdMs, reason),
    tick: (nowMs) => part.tick?.(nowMs),
    beforeCommit: () => part.beforeCommit?.(),
    get isPending() {
      return part.isPending ?? false;
    },
  };
}
