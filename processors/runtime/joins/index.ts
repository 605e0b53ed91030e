export { joinAsOf, type AsOfJoin, type AsOfJoinOptions } from './as-of-join.ts';
export type { JoinBounds } from './join-bounds.ts';
export {
  joinStreams,
  type StreamJoin,
  type StreamJoinOptions,
  type StreamJoinResult,
  type StreamJoinType,
} from './stream-join.ts';
export {
  joinTable,
  type TableJoin,
  type TableJoinOptions,
  type TableJoinResult,
  type TableJoinType,
} from './table-join.ts';
export {
  joinTables,
  type TablesJoin,
  type TablesJoinOptions,
  type TablesJoinResult,
  type TablesJoinType,
} from './tables-join.ts';
