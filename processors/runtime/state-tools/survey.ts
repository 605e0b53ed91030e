import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { isReplacing } from '../state/compatibility.ts';
import { decodeMeta, isMeta, type TaskMeta } from '../state/task-meta.ts';
import { ACCOUNT } from '../audit/task-account.ts';
import { DUPLICATES } from '../state/task-state.ts';
import { bytesOf, EVENT_ID_BYTES, storeKeyOf, storeOf } from './changelog-key.ts';
import { rangesOf, recordsOf, type Changelog, type LogRange } from './changelogs.ts';

/** What there is of one store of a task. */
export interface StoreSurvey {
  readonly store: string;
  /** Null where the state does not say: of a store that is gone from the program. */
  readonly layout: string | null;
  readonly version: number | null;
  /** Null where the state does not say. */
  readonly entries: number | null;
  /** Records and bytes in the changelog, those included that are outdated and wait to be compacted. */
  readonly records: number;
  readonly bytes: number;
}

export interface TaskSurvey {
  readonly subtopology: string;
  readonly partition: number;
  readonly taskEpoch: number;
  /** Epoch ms; null before the first event. */
  readonly watermarkMs: number | null;
  /** Next offset to read of each input. */
  readonly positions: Readonly<Record<string, number>>;
  /** Whether a restore or a reset was cut off: the task refuses to start. */
  readonly isReplacing: boolean;
  readonly stores: readonly StoreSurvey[];
}

/**
 * What the tasks of a sub-topology keep, by their changelogs, which are read whole; memory does not grow with them.
 * Tasks that have never committed are left out.
 */
export async function surveyTasks(
  log: LogReader,
  changelog: Changelog,
  onRead?: (records: number) => void,
): Promise<readonly TaskSurvey[]> {
  const surveys: TaskSurvey[] = [];
  for (const range of rangesOf(changelog)) {
    const survey = await surveyTask(log, changelog.subtopology, range, onRead);
    if (survey !== undefined) surveys.push(survey);
  }
  return surveys;
}

async function surveyTask(
  log: LogReader,
  subtopology: string,
  range: LogRange,
  onRead?: (offsets: number) => void,
): Promise<TaskSurvey | undefined> {
  const sizes = new StoreSizes();
  let meta: TaskMeta | undefined;
  let at = range.start;
  for await (const records of recordsOf(log, range, (offset) => {
    onRead?.(offset - at);
    at = offset;
  })) {
    for (const record of records) {
      if (!isMeta(record.key)) sizes.add(record);
      else if (record.value !== null) meta = decodeMeta(record.value);
    }
  }
  if (meta === undefined) return undefined;
  const { taskEpoch, watermarkMs, positions } = meta;
  return {
    ...{ subtopology, partition: range.partition, taskEpoch },
    watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
    positions,
    isReplacing: isReplacing(meta),
    stores: sizes.describe(meta),
  };
}

/** Records and bytes by store. */
class StoreSizes {
  readonly #sizes = new Map<string, { records: number; bytes: number }>();
  /** Ids in the chunks of the duplicate filter, which no meta counts. */
  readonly #chunks = new Map<string, number>();

  add(record: LogRecord): void {
    if (record.key === null) return;
    const store = storeOf(record.key);
    const size = this.#sizes.get(store) ?? { records: 0, bytes: 0 };
    size.records += 1;
    size.bytes += bytesOf(record);
    this.#sizes.set(store, size);
    if (store !== DUPLICATES) return;
    const { key } = storeKeyOf(record.key);
    if (record.value === null) this.#chunks.delete(key);
    else this.#chunks.set(key, record.value.length / EVENT_ID_BYTES);
  }

  describe(meta: TaskMeta): readonly StoreSurvey[] {
    const declared = isReplacing(meta) ? {} : (meta.stores ?? {});
    const names = [...new Set([...Object.keys(declared), ...this.#sizes.keys()])].sort();
    return names.map((store) => {
      const { layout = null, version = null, entries = null } = declared[store] ?? this.#undeclared(store);
      return { store, layout, version, entries, ...(this.#sizes.get(store) ?? { records: 0, bytes: 0 }) };
    });
  }

  #undeclared(store: string): { layout?: string; version?: number; entries?: number } {
    if (store === ACCOUNT) return { layout: 'accounts', version: 1 };
    if (store !== DUPLICATES) return {};
    const ids = [...this.#chunks.values()].reduce((sum, count) => sum + count, 0);
    return { layout: 'event-ids', version: 1, entries: ids };
  }
}
