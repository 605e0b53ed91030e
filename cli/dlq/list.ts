import type { LogReader } from '../../platform/kafka/log-reader.ts';
import { letterId, type LetterHead } from '../../processors/runtime/dead-letters/letter.ts';
import { isMarked, readMarks } from '../../processors/runtime/dead-letters/marks.ts';
import { findLetterTopics, readHeads } from '../../processors/runtime/dead-letters/read-letters.ts';
import { isSelected, type Selection } from '../../processors/runtime/dead-letters/select.ts';
import { tableText, timeText } from '../state/table.ts';

/** Letters of one partition, code and step. */
export interface LetterCount {
  readonly topic: string;
  readonly partition: number;
  readonly code: string | null;
  readonly step: string | null;
  letters: number;
  /** Those that were sent again. */
  redriven: number;
  newestMs: number;
}

export interface ListedLetter {
  readonly letter: LetterHead;
  readonly isRedriven: boolean;
}

export interface LetterList {
  readonly counts: readonly LetterCount[];
  /** The newest ones, at most as many as asked for; the oldest of them first. */
  readonly letters: readonly ListedLetter[];
}

/** Counts the letters that are meant, and keeps the newest. */
export async function listLetters(
  log: LogReader,
  namespace: string,
  { selection, limit }: { readonly selection: Selection; readonly limit: number },
): Promise<LetterList> {
  const marks = await readMarks(log, namespace);
  const topics = (await findLetterTopics(log, namespace)).filter(
    ({ topic }) => selection.topics?.includes(topic) !== false,
  );
  const counts = new Map<string, LetterCount>();
  let newest: ListedLetter[] = [];
  for await (const letter of readHeads(log, topics)) {
    if (!isSelected(letter, selection)) continue;
    const isRedriven = isMarked(marks, letter);
    count(counts, letter, isRedriven);
    newest.push({ letter, isRedriven });
    if (newest.length >= 2 * limit + 100) newest = newestOf(newest, limit);
  }
  return { counts: [...counts.values()], letters: newestOf(newest, limit) };
}

function count(counts: Map<string, LetterCount>, letter: LetterHead, isRedriven: boolean): void {
  const { topic, partition, code, step, timestampMs } = letter;
  const id = JSON.stringify([topic, partition, code, step]);
  let found = counts.get(id);
  if (found === undefined)
    counts.set(id, (found = { topic, partition, code, step, letters: 0, redriven: 0, newestMs: 0 }));
  found.letters += 1;
  if (isRedriven) found.redriven += 1;
  found.newestMs = Math.max(found.newestMs, timestampMs);
}

function newestOf(letters: readonly ListedLetter[], limit: number): ListedLetter[] {
  const sorted = letters.toSorted((a, b) => a.letter.timestampMs - b.letter.timestampMs);
  return limit === 0 ? [] : sorted.slice(-limit);
}

/** Two tables for people. */
export function listText({ counts, letters }: LetterList): readonly string[] {
  if (counts.length === 0) return ['no dead letters'];
  const lines = tableText(
    ['topic', 'part', 'code', 'step', 'letters', 'redriven', 'newest'],
    counts.map(({ topic, partition, code, step, letters: all, redriven, newestMs }) => [
      ...[topic, partition, code ?? '?', step ?? '?', all, redriven, timeText(newestMs)],
    ]),
  );
  if (letters.length === 0) return lines;
  const newest = tableText(
    ['letter', 'put aside', 'code', 'attempt', 'redriven', 'reason'],
    letters.map(({ letter, isRedriven }) => [
      ...[letterId(letter), timeText(letter.timestampMs), letter.code ?? '?', letter.attempt],
      ...[isRedriven ? 'yes' : letter.obstacle === undefined ? 'no' : 'never', letter.reason ?? ''],
    ]),
  );
  return [...lines, '', ...newest];
}

/** The same as JSON. */
export function listJson({ counts, letters }: LetterList) {
  return {
    counts: counts.map(({ newestMs, ...rest }) => ({ ...rest, newest: new Date(newestMs).toISOString() })),
    letters: letters.map(({ letter, isRedriven }) => ({
      ...letterJson(letter),
      redriven: isRedriven,
    })),
  };
}

/** What is known of a letter without what it holds. */
export function letterJson(letter: LetterHead) {
  const { timestampMs, code, step, subtopology, reason, attempt, origin, target, obstacle } = letter;
  return {
    letter: letterId(letter),
    putAside: new Date(timestampMs).toISOString(),
    ...{ code, step, subtopology, reason, attempt },
    ...{ origin: origin ?? null, target: target ?? null, obstacle: obstacle ?? null },
  };
}
