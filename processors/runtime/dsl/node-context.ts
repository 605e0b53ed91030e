import { DROP } from '../step-result.ts';
import { EventTimers } from '../time/event-timers.ts';
import type { StatefulPart } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import type { NodeContext } from './graph.ts';

/** Where a node stands in its task. */
export interface NodeTime {
  /** The inputs that reach it. */
  readonly inputs: readonly string[];
  /** How far its values may be behind the watermark of these, ms. */
  readonly holdMs: number;
}

/**
 * The context of a node with its own time: that of the inputs that reach it. Where its values may be behind by a hold,
 * it lags by as much, so that what an earlier node says of a window that has closed is not late for the next one.
 */
export function timedContext(context: NodeContext, { inputs, holdMs }: NodeTime): NodeContext {
  const timed = context.timedBy(inputs);
  const watermarkMs = () => timed.watermarkMs() - holdMs;
  const report: NodeContext['report'] = (result) =>
    context.report(result.kind === 'late' ? { watermarkMs: watermarkMs(), ...result } : result);
  const { byTime } = context;
  const attach: TaskContext['attach'] =
    holdMs === 0 ? timed.attach : (part) => timed.attach(heldPart(part, holdMs));
  /** One timer that fails does so alone. */
  const alone = (name: string, onDue: OnDue): OnDue => {
    return (key, dueMs) => {
      const about = () => ({ key, value: undefined, eventTimeMs: dueMs });
      byTime({ place: `${name}/${key}/${dueMs}`, about, timer: { name, key, dueMs } }, () => {
        onDue(key, dueMs);
        return DROP;
      });
    };
  };
  return {
    ...context,
    ...timed,
    ...{ report, byTime, attach, watermarkMs },
    timers: (name, onDue) => {
      const timers = new EventTimers(context.store(name, { layout: 'timers' }), alone(name, onDue));
      attach(timers.byEventTime());
      return timers;
    },
    clockTimers: (name, onDue) => timed.clockTimers(name, alone(name, onDue)),
  };
}

type OnDue = (key: string, dueMs: number) => void;

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
