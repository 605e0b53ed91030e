import { MillraceError } from '../../platform/errors.ts';
import { findEntry, type FoundEntry } from '../../processors/runtime/state-tools/find-entry.ts';
import { Progress } from '../progress.ts';
import { offsetsOf } from './list.ts';
import { notFound, requireChangelog, type OpenState } from './open-state.ts';
import { timeText } from './table.ts';

/**
 * Looks for a key in all tasks of a sub-topology.
 * @throws MillraceError MR_STATE_NOT_FOUND
 */
export async function getEntry(
  state: OpenState,
  wanted: { readonly subtopology: string; readonly store: string; readonly key: string },
): Promise<readonly FoundEntry[]> {
  const changelog = requireChangelog(state, wanted.subtopology);
  const progress = new Progress('reading changelogs', { unit: 'offsets', total: offsetsOf([changelog]) });
  let read = 0;
  const { found, stores } = await findEntry(state.log, changelog, wanted, (offsets) =>
    progress.update((read += offsets)),
  );
  progress.finish(read);
  if (found.length > 0) return found;
  if (!stores.includes(wanted.store)) throw notFound(`store of ${wanted.subtopology}`, wanted.store, stores);
  throw new MillraceError(
    'MR_STATE_NOT_FOUND',
    `no key "${wanted.key}" in the store ${wanted.store} of ${wanted.subtopology}; all ${changelog.partitions.length} tasks were looked through`,
  );
}

/** An entry for people. */
export function entryText(entry: FoundEntry): readonly string[] {
  const { partition, writtenMs, eventTimeMs, layout, bytes, value } = entry;
  const eventTime = eventTimeMs === undefined ? '' : `, event time ${timeText(eventTimeMs)}`;
  return [
    `partition ${partition}, written ${timeText(writtenMs)}${eventTime}, ${bytes} bytes, layout ${layout ?? 'not known'}`,
    ...(value.kind === 'bytes' ? [value.note] : []),
    value.kind === 'json' ? JSON.stringify(value.value, null, 2) : value.value,
  ];
}

/** The same as JSON. */
export function entryJson({ writtenMs, eventTimeMs, value, ...entry }: FoundEntry) {
  return {
    ...entry,
    written: new Date(writtenMs).toISOString(),
    ...(eventTimeMs === undefined ? {} : { eventTime: new Date(eventTimeMs).toISOString() }),
    ...(value.kind === 'bytes' ? { base64: value.value } : { value: value.value }),
  };
}
