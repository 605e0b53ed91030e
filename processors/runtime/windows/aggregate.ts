import type { Aggregator } from '../aggregates/aggregator.ts';
import type { StepResult } from '../step-result.ts';
import type { TaskContext } from '../topology.ts';
import { calendarDays } from './calendar-days.ts';
import { CountWindows } from './count-windows.ts';
import { EarlyClock, type EmitPolicy } from './emit-policy.ts';
import { FixedWindows } from './fixed-windows.ts';
import { HoppingWindows } from './hopping-windows.ts';
import { SessionWindows } from './session-windows.ts';
import { SlidingWindows } from './sliding-windows.ts';
import { evenSpans } from './span.ts';
import type { OperatorOptions, WindowOperator } from './window-operator.ts';
import type { WindowResult } from './window-result.ts';
import type { WindowSpec } from './window-spec.ts';

export interface WindowAggregateOptions<V, A, R> {
  /** Names the state: the store, and with a suffix (`-horizon`, `-slices`) what goes along with it. */
  readonly name: string;
  readonly window: WindowSpec;
  readonly aggregator: Aggregator<V, A, R>;
  readonly emit: EmitPolicy;
  /** Called from `add` only for count windows that are full; else when time moves, and before a commit. */
  onResult(result: WindowResult<R>): void;
}

export interface WindowAggregate<V> {
  /**
   * Takes an event; `late` where none of its windows takes it any more. Then nothing was changed, or, where it says
   * `corrected`, the result of a closed window, which is emitted before the next commit.
   *
   * @throws whatever the aggregator throws for a value that it cannot add
   */
  add(key: string, value: V, eventTimeMs: number): StepResult;
}

/**
 * Aggregates the events of each key over windows. Attaches a part to the context, which closes windows as the watermark
 * moves. Every window that holds an event is emitted once when it closes, with the reason `watermark` or `idle`, and
 * before that as the policy says, always with its absolute value. Event times are whole milliseconds of at least 0.
 */
export function aggregateWindows<V, A, R>(
  context: TaskContext,
  options: WindowAggregateOptions<V, A, R>,
): WindowAggregate<V> {
  const { name, window, aggregator, emit } = options;
  const isEarly = emit.earlyEveryMs !== undefined;
  const operator = operatorOf<V, A, R>(window, {
    context,
    name,
    aggregator,
    layout: `${window.layout}/${aggregator.layout}`,
    tracksChanges: emit.isOnUpdate || isEarly,
    // On update nothing is left to say at a commit, and a restart begins from one.
    changedAfterRestart: (isEarly && !emit.isOnUpdate) || context.isTakenAgain,
    onResult: (result) => options.onResult(result),
  });
  const clock = new EarlyClock(emit);
  context.attach({
    rebuild: (watermarkMs) => operator.rebuild(watermarkMs),
    advance: (watermarkMs, reason) => operator.advance(watermarkMs, reason),
    tick: (nowMs) => {
      if (clock.isDue(nowMs) || (isEarly && context.isTakenAgain)) operator.emitChanged('early');
    },
    beforeCommit: () => {
      if (emit.isOnUpdate) operator.emitChanged('update');
      operator.settle?.();
    },
    get isPending() {
      return operator.isPending;
    },
  });
  return { add: (key, value, eventTimeMs) => operator.add(key, value, eventTimeMs) };
}

function operatorOf<V, A, R>(window: WindowSpec, options: OperatorOptions<V, A, R>): WindowOperator<V> {
  switch (window.kind) {
    case 'tumbling':
      return new FixedWindows({ ...window, ...options, spanOf: evenSpans(window.sizeMs, window.offsetMs) });
    case 'daily':
      return new FixedWindows({ ...window, ...options, spanOf: calendarDays(window.timeZone) });
    case 'hopping':
      return new HoppingWindows({ ...options, window });
    case 'sliding':
      return new SlidingWindows({ ...options, window });
    case 'session':
      return new SessionWindows({ ...options, window });
    case 'count':
      return new CountWindows({ ...options, window });
  }
}
