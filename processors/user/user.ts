/** Sub-topology `user`, keyed by user pseudonym: the state of users and their history over all devices. */
import { historyKey, TTL_MS } from '../../schemas/keys.ts';
import type { UserActed } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { DROP, OK, type StepResult } from '../runtime/step-result.ts';
import type { InputRecord, Processor, Subtopology, TaskContext } from '../runtime/topology.ts';
import { bought, historyValue, NO_HISTORY, viewed, type VisitorState } from '../history/history.ts';

const MAX_USERS_PER_TASK = 500_000;

function userProcessor(context: TaskContext): Processor {
  const users = context.store<VisitorState>('users', { maxEntries: MAX_USERS_PER_TASK });

  const acted = (event: UserActed): StepResult => {
    if (event.action === 'carted') return DROP;
    const before = users.get(event.userId) ?? NO_HISTORY;
    const add = event.action === 'viewed' ? viewed : bought;
    const state = add(before, event.itemId, event.eventTime);
    users.set(event.userId, state);
    context.outputs.online(historyKey({ kind: 'u', id: event.userId }), {
      value: () => historyValue(state),
      ttlMs: TTL_MS.history,
    });
    return OK;
  };

  return {
    process({ event }: InputRecord): StepResult {
      if (event.type === 'UserActed') return acted(event);
      if (event.type !== 'UserUpserted') return DROP;
      context.outputs.versionedRow('users', {
        user_id: event.userId,
        country: event.country ?? '',
        segment: event.segment ?? '',
        event_time: event.eventTime,
      });
      return OK;
    },
  };
}

export const userSubtopology: Subtopology = {
  name: 'user',
  inputs: [INTERNAL_TOPICS.userActivity.name, SHOP_TOPICS.users.name],
  deduplicated: [SHOP_TOPICS.users.name],
  create: userProcessor,
};
