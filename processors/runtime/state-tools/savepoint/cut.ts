import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../../platform/errors.ts';
import type { LogReader, PartitionRange } from '../../../../platform/kafka/log-reader.ts';

/** Ranges of the partitions of topics, as of one moment. */
export type Cut = ReadonlyMap<string, readonly PartitionRange[]>;

const PATIENCE_MS = 30_000;
/** A runner commits all of its tasks together, then nothing for a while: looks that follow each other find the pause. */
const PAUSE_MS = 20;

/**
 * A moment at which every commit is either whole in all of the topics or in none of them. The embedded log answers for
 * one moment. On Kafka a commit shows partition by partition: two looks must be the same, and between them each topic
 * must have been without a transaction that is open, or decided and not shown yet. Then what the first look saw is
 * whole: had a part of a commit been seen, the rest would have been pending in between, or be seen in the second.
 * @throws MillraceError MR_STATE_MOVED where the application never stops committing for long enough
 */
export async function takeCut(log: LogReader, topics: readonly string[]): Promise<Cut> {
  if (log.kind === 'embedded') return log.offsets(topics);
  const untilMs = performance.now() + PATIENCE_MS;
  do {
    const first = await log.offsets(topics);
    if ((await log.isSettled(topics)) && isSame(first, await log.offsets(topics))) return first;
    await sleep(PAUSE_MS);
  } while (performance.now() < untilMs);
  throw new MillraceError(
    'MR_STATE_MOVED',
    `within ${PATIENCE_MS / 1000} s there was no moment between two commits of the application`,
  );
}

function isSame(a: Cut, b: Cut): boolean {
  const ends = (cut: Cut) => [...cut].map(([topic, ranges]) => [topic, ranges.map(({ end }) => end)]);
  return JSON.stringify(ends(a)) === JSON.stringify(ends(b));
}
