import type { Row } from '../../platform/clickhouse/port.ts';
import type { ClickstreamEvent } from '../../schemas/generated/events.ts';
import { factEnvelope } from '../fact-envelope.ts';

/** The row of table `clicks` for a clickstream event; columns that the event lacks stay at their defaults. */
export function clickFact(event: ClickstreamEvent): Row {
  return {
    ...factEnvelope(event),
    anonymous_id: event.anonymousId,
    user_id: event.userId ?? '',
    session_id: event.sessionId ?? '',
    device: event.device ?? '',
    referrer: event.referrer ?? '',
    channel: event.channel,
    bot: event.bot,
    internal: event.internal,
    ...details(event),
  };
}

function details(event: ClickstreamEvent): Row {
  switch (event.type) {
    case 'PageViewed':
      return { path: event.path };
    case 'ProductViewed':
      return { item_id: event.itemId, recommendation_id: event.recommendationId ?? '' };
    case 'ListViewed':
      return { list_id: event.listId, item_ids: event.itemIds };
    case 'SearchPerformed':
      return { query: event.query };
    case 'CartChanged':
      return { item_id: event.itemId, quantity_delta: event.quantityDelta };
    case 'CheckoutStepped':
      return { step: event.step };
    case 'RecommendationImpressed':
      return { recommendation_id: event.recommendationId, item_ids: event.itemIds };
    case 'RecommendationClicked':
      return { recommendation_id: event.recommendationId, item_id: event.itemId, position: event.position };
  }
}
