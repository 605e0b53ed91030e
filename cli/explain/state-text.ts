import type { StateDifference } from '../../processors/runtime/evidence/replay.ts';
import type { Shown } from './shown.ts';

/** What the step has seen of the state and what it made of it: of a value that has fields, those that changed. */
export function stateText(state: readonly StateDifference[], shown: Shown): readonly string[] {
  if (state.length === 0) return ['no state was involved'];
  return state.flatMap(({ store, key, before, after }) => {
    const [then, now] = [shown.value(before), shown.value(after)];
    const changes = changesOf(then, now);
    const head = `state ${store} ${shown.text(key)}`;
    return [
      `${head}${changes.length === 0 ? (before === null ? ': nothing, as before' : ': only read') : ''}`,
      `  before  ${textOf(then)}`,
      ...changes.map((line) => `  ${line}`),
    ];
  });
}

function changesOf(before: unknown, after: unknown): readonly string[] {
  if (textOf(before) === textOf(after)) return [];
  if (!isObject(before) || !isObject(after)) return [`after   ${textOf(after)}`];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return fields.flatMap((field) => fieldChanges(field, before[field], after[field]));
}

function fieldChanges(field: string, before: unknown, after: unknown): readonly string[] {
  if (textOf(before) === textOf(after)) return [];
  if (!Array.isArray(before) || !Array.isArray(after))
    return [`  ${field}  ${textOf(before)} → ${textOf(after)}`];
  const [then, now] = [before.map(textOf), after.map(textOf)];
  return [
    `  ${field}  ${before.length} → ${after.length}`,
    ...then.filter((item) => !now.includes(item)).map((item) => `    - ${item}`),
    ...now.filter((item) => !then.includes(item)).map((item) => `    + ${item}`),
  ];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : JSON.stringify(value);
}
