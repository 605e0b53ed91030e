/** Sub-topology `user`, keyed by user pseudonym: the state of users and their history over all devices. */
import { historyKey, TTL_MS } from '../../schemas/keys.ts';
import type { UserActed } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { toWindowTable, type NodeContext, type Push, type TopologyBuilder } from '../runtime/dsl/index.ts';
import { bought, historyValue, NO_HISTORY, viewed, type VisitorState } from '../history/history.ts';

const MAX_USERS_PER_TASK = 500_000;

const SUBTOPOLOGY = 'user';

/** How every job reads what users do: by the tasks of the users. */
export function userActivity(app: TopologyBuilder) {
  return app.events(INTERNAL_TOPICS.userActivity.name, { subtopology: SUBTOPOLOGY });
}

/** How every job reads users. */
export function users(app: TopologyBuilder) {
  return app.events(SHOP_TOPICS.users.name, { subtopology: SUBTOPOLOGY, deduplicated: true });
}

export function userJob(app: TopologyBuilder): void {
  users(app).to(
    toWindowTable('users', ({ userId, country, segment, eventTime }) => ({
      user_id: userId,
      country: country ?? '',
      segment: segment ?? '',
      event_time: eventTime,
    })),
  );
  userActivity(app)
    .filter(({ action }) => action !== 'carted')
    .process('histories-of-users', histories);
}

function histories(context: NodeContext): Push<UserActed> {
  const states = context.store<VisitorState>('users', { maxEntries: MAX_USERS_PER_TASK });
  context.onlineView(states, {
    key: (userId) => historyKey({ kind: 'u', id: userId }),
    value: historyValue,
    ttlMs: TTL_MS.history,
  });
  return ({ userId, itemId, action, eventTime }) => {
    const add = action === 'viewed' ? viewed : bought;
    states.set(userId, add(states.get(userId) ?? NO_HISTORY, itemId, eventTime));
  };
}
