import { Digest } from '../audit/digest.ts';
import type { HashPair } from '../audit/hash-pair.ts';

/** A record that may have become a fact. */
export interface Candidate {
  readonly offset: number;
  /** Hash of its eventId. */
  readonly id: HashPair;
  /** Whether its eventId was in the log before, as the task remembers. */
  readonly isRepeated: boolean;
  /** Whether it is among the dead letters. */
  readonly isDead: boolean;
  /** Whether its row is in the table as the log says it. */
  readonly isThere: boolean;
}

export interface Choice {
  /** Offsets of the facts. */
  readonly facts: ReadonlySet<number>;
  /** Whether their eventIds are those of the account. */
  readonly isProven: boolean;
}

/**
 * Tells which records of a bucket became facts, by the count and digest of their eventIds in the account. Repeated records
 * and dead letters make none; where that does not come to what the account says, one or two records that explain the
 * difference are looked for, and then the rows that are there. Linear in the number of candidates.
 */
export function chooseFacts(candidates: readonly Candidate[], said: Digest): Choice {
  const kept = (isOut: (candidate: Candidate) => boolean) => candidates.filter((one) => !isOut(one));
  const attempts = [
    candidates,
    kept(({ isRepeated }) => isRepeated),
    kept(({ isDead }) => isDead),
    kept(({ isDead, isRepeated }) => isDead || isRepeated),
    kept(({ isThere }) => !isThere),
  ];
  for (const attempt of attempts) if (digestOf(attempt).equals(said)) return proven(attempt);
  for (const attempt of attempts) {
    const solved = without(attempt, digestOf(attempt).minus(said)) ?? together(attempt, { candidates, said });
    if (solved !== undefined) return proven(solved);
  }
  const likely = kept(({ isDead, isRepeated, isThere }) => !isThere && (isDead || isRepeated));
  return { facts: offsetsOf(likely), isProven: false };
}

/** The attempt without one or two records that make up the excess; the later copy where two have one eventId. */
function without(attempt: readonly Candidate[], excess: Digest): readonly Candidate[] | undefined {
  if (excess.count !== 1 && excess.count !== 2) return undefined;
  const out = members(attempt, excess);
  return out === undefined ? undefined : attempt.filter((one) => !out.includes(one));
}

/** The attempt with one or two of the records that it left out. */
function together(
  attempt: readonly Candidate[],
  { candidates, said }: { readonly candidates: readonly Candidate[]; readonly said: Digest },
): readonly Candidate[] | undefined {
  const lacking = said.minus(digestOf(attempt));
  if (lacking.count !== 1 && lacking.count !== 2) return undefined;
  const inside = new Set(attempt);
  const more = members(
    candidates.filter((one) => !inside.has(one)),
    lacking,
  );
  return more === undefined ? undefined : [...attempt, ...more];
}

/** One or two members whose digest this is. */
function members(of: readonly Candidate[], digest: Digest): readonly Candidate[] | undefined {
  const later = [...of].reverse();
  if (digest.count === 1) {
    const one = later.find(({ id }) => digest.isOf(id));
    return one === undefined ? undefined : [one];
  }
  const byHash = new Map<string, Candidate>();
  for (const one of later) {
    const rest = Digest.of([1, (digest.a - one.id.a) >>> 0, (digest.b - one.id.b) >>> 0]);
    const other = byHash.get(`${rest.a}.${rest.b}`);
    if (other !== undefined) return [one, other];
    byHash.set(`${one.id.a}.${one.id.b}`, one);
  }
  return undefined;
}

function digestOf(candidates: readonly Candidate[]): Digest {
  const digest = new Digest();
  for (const { id } of candidates) digest.add(id);
  return digest;
}

function proven(facts: readonly Candidate[]): Choice {
  return { facts: offsetsOf(facts), isProven: true };
}

function offsetsOf(facts: readonly Candidate[]): ReadonlySet<number> {
  return new Set(facts.map(({ offset }) => offset));
}
