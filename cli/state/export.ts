import type { Changelog } from '../../processors/runtime/state-tools/changelogs.ts';
import { exportState } from '../../processors/runtime/state-tools/export-state.ts';
import { writeNewFile } from '../../processors/runtime/state-tools/new-file.ts';
import { surveyTasks } from '../../processors/runtime/state-tools/survey.ts';
import { Progress } from '../progress.ts';
import { offsetsOf } from './list.ts';
import { notFound, requireChangelog, type OpenState } from './open-state.ts';

export interface ExportRequest {
  readonly subtopology: string;
  readonly store: string | undefined;
  /** Standard output where absent. */
  readonly out: string | undefined;
  readonly print: (line: string) => void;
}

export interface ExportReport {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Writes the entries of a sub-topology as JSON lines; a file appears only when it is whole.
 * @throws MillraceError MR_STATE_NOT_FOUND where there is no such sub-topology or store
 */
export async function exportTo(state: OpenState, request: ExportRequest): Promise<ExportReport> {
  const { store, out, print } = request;
  const changelog = requireChangelog(state, request.subtopology);
  // Each task is read twice: where its entries are, then what they are.
  const progress = new Progress('exporting', { unit: 'offsets', total: 2 * offsetsOf([changelog]) });
  let read = 0;
  let entries = 0;
  let bytes = 0;
  const lines = async function* () {
    const found = exportState(state.log, changelog, {
      ...(store === undefined ? {} : { store }),
      onRead: (offsets) => progress.update((read += offsets)),
    });
    for await (const entry of found) {
      const line = JSON.stringify(entry);
      entries += 1;
      bytes += Buffer.byteLength(line) + 1;
      yield line;
    }
    if (entries === 0 && store !== undefined) await requireStore(state, changelog, store);
  };
  if (out === undefined) for await (const line of lines()) print(line);
  else await writeNewFile(out, withNewlines(lines()));
  progress.finish(read);
  return { entries, bytes };
}

/** A store may be empty; one that no task has is a mistake. */
async function requireStore({ log }: OpenState, changelog: Changelog, store: string): Promise<void> {
  const tasks = await surveyTasks(log, changelog);
  const known = [...new Set(tasks.flatMap(({ stores }) => stores.map((one) => one.store)))];
  if (!known.includes(store)) throw notFound(`store of ${changelog.subtopology}`, store, known);
}

async function* withNewlines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
