import type { ItemAction, UserActed } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import { toEvents, type NodeContext } from '../runtime/dsl/index.ts';

/** What a user did with an item, as an event for the sub-topology that owns the users. */
export function userActed(
  context: NodeContext,
  act: { readonly userId: string; readonly itemId: string; readonly action: ItemAction },
  cause: { readonly eventTime: number; readonly traceparent: string | null },
): UserActed {
  return { type: 'UserActed', ...internalEnvelope(context, cause), ...act };
}

export const userActivitySink = toEvents(INTERNAL_TOPICS.userActivity.name, ({ userId }) => userId);
