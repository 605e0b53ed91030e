export { aggregateWindows, type WindowAggregate, type WindowAggregateOptions } from './aggregate.ts';
export { anyOf, early, onClose, onUpdate, type EmitPolicy } from './emit-policy.ts';
export type { WindowResult } from './window-result.ts';
export {
  countWindow,
  daily,
  hopping,
  session,
  sliding,
  tumbling,
  type CountOptions,
  type CountWindow,
  type DailyOptions,
  type DailyWindow,
  type HoppingOptions,
  type HoppingWindow,
  type SessionOptions,
  type SessionWindow,
  type SlidingOptions,
  type SlidingWindow,
  type TumblingOptions,
  type TumblingWindow,
  type WindowSpec,
} from './window-spec.ts';
