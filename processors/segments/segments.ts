/** What users of each segment want most: lists for the storefront, and their history by minute for analysts. */
import { segmentTrendingKey, TTL_MS } from '../../schemas/keys.ts';
import { WEIGHT } from '../items/items.ts';
import type { NodeContext, Push, TopologyBuilder } from '../runtime/dsl/index.ts';
import { trendingCandidates } from '../trending/trending.ts';
import { userActivity, users } from '../user/user.ts';
import { segmentScores, type SegmentAct, type SegmentCandidates } from './segment-scores.ts';
import { trendingLists } from './trending-lists.ts';

const WEIGHT_OF = { viewed: WEIGHT.view, carted: WEIGHT.cart, bought: WEIGHT.purchase } as const;
/** Stands in table `segment_trending_minute` for everybody, known users or not. */
const EVERYBODY = '';

/**
 * Scores of items by the segment that a user is in when something is done, decayed like those of the whole shop. Users
 * without a segment count for the whole shop only.
 */
export function segmentsJob(app: TopologyBuilder): void {
  const segmentOf = users(app)
    .map(({ segment }) => segment ?? '')
    .toTable('segments')
    .filter((segment) => segment !== '');
  userActivity(app)
    .joinTable(segmentOf, {
      name: 'segment-of-user',
      with: ({ itemId, action }, segment): SegmentAct => ({ segment, itemId, weight: WEIGHT_OF[action] }),
    })
    .keyBy('itemId')
    .repartition('segment-acts')
    .process<SegmentCandidates>('segment-scores', segmentScores)
    .keyBy('segment')
    .repartition('segment-candidates', { partitions: 1 })
    .process('segment-lists', segmentLists);
  trendingCandidates(app)
    .map(({ partition, eventTime, items }) => ({ segment: EVERYBODY, partition, eventTime, items }))
    .process('trending-minutes', (context) => trendingLists(context, { name: 'trending-lists' }));
}

/** Writes the list of each segment to the online store. */
function segmentLists(context: NodeContext): Push<SegmentCandidates> {
  return trendingLists(context, {
    name: 'segment-lists',
    online: { key: segmentTrendingKey, ttlMs: TTL_MS.trending },
  });
}
