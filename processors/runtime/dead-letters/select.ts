import { letterId, type LetterHead } from './letter.ts';

/** Which letters are meant; what is absent does not restrict. */
export interface Selection {
  /** Names of dead-letter topics in the log. */
  readonly topics?: readonly string[];
  readonly partition?: number;
  readonly offsets?: readonly number[];
  /** Key of what the letter holds, as text. */
  readonly key?: string;
  readonly code?: string;
  /** Put aside at this time or later, epoch ms. */
  readonly sinceMs?: number;
}

export function isSelected(letter: LetterHead, selection: Selection): boolean {
  const { topics, partition, offsets, key, code, sinceMs } = selection;
  return (
    (topics === undefined || topics.includes(letter.topic)) &&
    (partition === undefined || letter.partition === partition) &&
    (offsets === undefined || offsets.includes(letter.offset)) &&
    (key === undefined || letter.key?.equals(Buffer.from(key)) === true) &&
    (code === undefined || letter.code === code) &&
    (sinceMs === undefined || letter.timestampMs >= sinceMs)
  );
}

/** A letter that stays where it is, and why. */
export interface LeftLetter {
  readonly letter: LetterHead;
  readonly reason: string;
}

export interface RedrivePlan {
  /** To be sent, in this order within each partition. */
  readonly letters: readonly LetterHead[];
  /** Meant, but nothing that can be sent. */
  readonly left: readonly LeftLetter[];
  /** Meant, and sent before. */
  readonly doneBefore: number;
  /** Of `letters`, those that were not meant, but have to go before others of their keys. */
  readonly added: number;
  /** Letters that were not meant and that `letters` would overtake; empty where they were added. */
  readonly overtaken: readonly LetterHead[];
}

export interface PlanOptions {
  readonly selection: Selection;
  /** Whether it was sent before. */
  readonly isDone: (letter: LetterHead) => boolean;
  /** Why it cannot be sent now; asked for letters that could be sent at all. */
  readonly obstacle: (letter: LetterHead) => string | undefined;
  /** Sends those again that were sent before. */
  readonly again: boolean;
  /** Adds what would be overtaken, instead of naming it. */
  readonly extend: boolean;
}

/**
 * Which letters to send, so that those of one key go to their partition in the order in which they were put aside. What
 * can never be sent holds up nothing. Letters without a key, and rows, have no order.
 * @param letters all of the partitions concerned, in the order of the log
 */
export function planRedrive(letters: readonly LetterHead[], options: PlanOptions): RedrivePlan {
  const { selection, isDone, obstacle, again, extend } = options;
  const planned = new Set<LetterHead>();
  const waiting = new Map<string, LetterHead[]>();
  const left: LeftLetter[] = [];
  const overtaken = new Set<LetterHead>();
  let doneBefore = 0;
  let added = 0;
  for (const letter of letters) {
    const isMeant = isSelected(letter, selection);
    const reason = letter.obstacle ?? obstacle(letter);
    if (reason !== undefined) {
      if (isMeant) left.push({ letter, reason });
      continue;
    }
    if (isDone(letter) && !(isMeant && again)) {
      if (isMeant) doneBefore += 1;
      continue;
    }
    const line = lineOf(letter);
    const before = line === undefined ? [] : (waiting.get(line) ?? []);
    if (!isMeant) {
      if (line !== undefined) waiting.set(line, [...before, letter]);
      continue;
    }
    planned.add(letter);
    for (const earlier of before) (extend ? planned : overtaken).add(earlier);
    if (extend) added += before.length;
    if (line !== undefined) waiting.delete(line);
  }
  return {
    letters: letters.filter((letter) => planned.has(letter)),
    ...{ left, doneBefore, added, overtaken: [...overtaken] },
  };
}

/** Letters that must not overtake each other have the same; undefined where there is no order. */
function lineOf({ target, key }: LetterHead): string | undefined {
  if (target?.kind !== 'topic' || key === null) return undefined;
  return `${target.topic}/${target.partition ?? ''}/${key.toString('base64')}`;
}

/** The first letters of a list, for a message. */
export function someOf(letters: readonly LetterHead[]): string {
  const named = letters.slice(0, 5).map(letterId).join(', ');
  return letters.length > 5 ? `${named} and ${letters.length - 5} more` : named;
}
