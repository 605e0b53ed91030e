/** What can be replayed, by name. */
import { readDiginetica } from './diginetica.ts';
import { readOlist } from './olist.ts';
import type { ReadBatches } from './replay-event.ts';

/** The argument of `millrace replay`. */
export const REPLAY_SOURCES = ['diginetica', 'olist'] as const;
export type ReplaySourceName = (typeof REPLAY_SOURCES)[number];

export interface ReplaySource {
  readonly name: ReplaySourceName;
  readonly batches: ReadBatches;
}

const READERS: Readonly<Record<ReplaySourceName, (path: string) => ReadBatches>> = {
  diginetica: readDiginetica,
  olist: readOlist,
};

/**
 * A source over a file, gzipped or plain, or over the folder that holds it under its published name.
 * @throws MillraceError MR_REPLAY_NOT_FOUND.
 */
export function replaySource(name: ReplaySourceName, path: string): ReplaySource {
  return { name, batches: READERS[name](path) };
}
