import { Digest, mergeInto, type DigestJson } from './digest.ts';
import type { HashPair } from './hash-pair.ts';

/** What happened in a part of a partition or of time: digests by name. */
export interface Bucket {
  /** Its index at its level: `start = index · size`. */
  readonly index: number;
  readonly isCoarse: boolean;
  /** First place that it speaks of, and the place behind the last. */
  from: number;
  to: number;
  /** Earliest and latest log timestamp in it, epoch ms. */
  firstMs: number;
  lastMs: number;
  readonly digests: Map<string, Digest>;
}

interface BucketJson {
  readonly f: number;
  readonly t: number;
  readonly e: number;
  readonly l: number;
  readonly d: Readonly<Record<string, DigestJson>>;
}

export interface LedgerShape {
  /** Places of a fine bucket: offsets or milliseconds. */
  readonly size: number;
  /** Fine buckets of a coarse one. */
  readonly factor: number;
  /** Coarse buckets kept; all where absent. */
  readonly keep?: number;
}

/** An entry of a ledger in the changelog; null deletes it. */
export interface LedgerChange {
  readonly key: string;
  readonly value: Buffer | null;
}

/**
 * Digests by place: fine for the last one to two coarse buckets, coarse for what is older, so that a finding has a place
 * and the entries stay few. A commit writes those that changed.
 */
export class BucketLedger {
  readonly shape: LedgerShape;
  readonly #fine = new Map<number, Bucket>();
  readonly #coarse = new Map<number, Bucket>();
  readonly #changed = new Set<Bucket>();
  readonly #gone: string[] = [];
  #newestCoarse = Number.NEGATIVE_INFINITY;
  #last: Bucket | undefined;

  constructor(shape: LedgerShape) {
    this.shape = shape;
  }

  /** All buckets by place, the coarse ones first. */
  buckets(): readonly Bucket[] {
    const byPlace = (x: Bucket, y: Bucket) => x.from - y.from;
    return [...[...this.#coarse.values()].sort(byPlace), ...[...this.#fine.values()].sort(byPlace)];
  }

  /** The bucket of a place, to be changed. */
  at(place: number): Bucket {
    const index = Math.floor(place / this.shape.size);
    const last = this.#last;
    if (last?.index === index) return last;
    const bucket = this.#coarse.get(Math.floor(index / this.shape.factor)) ?? this.#fineAt(index, place);
    this.#changed.add(bucket);
    if (!bucket.isCoarse) this.#last = bucket;
    return bucket;
  }

  /**
   * Takes a member out of a digest of the bucket that has its place.
   * @returns the key of the bucket's entry; undefined where it is kept no longer
   */
  takeOut(place: number, name: string, member: HashPair): string | undefined {
    const index = Math.floor(place / this.shape.size);
    const bucket = this.#coarse.get(Math.floor(index / this.shape.factor)) ?? this.#fine.get(index);
    const digest = bucket?.digests.get(name);
    if (bucket === undefined || digest === undefined) return undefined;
    digest.remove(member);
    this.#changed.add(bucket);
    return keyOf(bucket);
  }

  /** Entries that changed since the last call; what is no longer recent becomes coarse. */
  takeChanges(): LedgerChange[] {
    this.#age();
    // What is used next has changed anew.
    this.#last = undefined;
    const changes: LedgerChange[] = this.#gone.splice(0).map((key) => ({ key, value: null }));
    for (const bucket of this.#changed)
      if (this.#has(bucket)) changes.push({ key: keyOf(bucket), value: encode(bucket) });
    this.#changed.clear();
    return changes;
  }

  restore(key: string, value: Buffer | null): void {
    const isCoarse = key.startsWith('c');
    const index = Number(key.slice(1));
    const level = isCoarse ? this.#coarse : this.#fine;
    this.#last = undefined;
    if (value === null) {
      level.delete(index);
      return;
    }
    level.set(index, decode(value, index, isCoarse));
    this.#seen(isCoarse ? index : Math.floor(index / this.shape.factor));
  }

  #has(bucket: Bucket): boolean {
    return (bucket.isCoarse ? this.#coarse : this.#fine).get(bucket.index) === bucket;
  }

  #fineAt(index: number, place: number): Bucket {
    const known = this.#fine.get(index);
    if (known !== undefined) return known;
    const bucket = newBucket({
      index,
      isCoarse: false,
      from: place,
      to: place,
      firstMs: Number.MAX_SAFE_INTEGER,
      lastMs: 0,
    });
    this.#fine.set(index, bucket);
    this.#seen(Math.floor(index / this.shape.factor));
    return bucket;
  }

  #seen(coarse: number): void {
    this.#newestCoarse = Math.max(this.#newestCoarse, coarse);
  }

  #age(): void {
    const { factor, keep = Number.POSITIVE_INFINITY } = this.shape;
    for (const [index, bucket] of this.#fine) {
      const coarse = Math.floor(index / factor);
      if (coarse >= this.#newestCoarse - 1) continue;
      this.#fine.delete(index);
      this.#gone.push(keyOf(bucket));
      this.#mergeCoarse(coarse, bucket);
      this.#last = undefined;
    }
    for (const [index, bucket] of this.#coarse) {
      if (index >= this.#newestCoarse - keep) continue;
      this.#coarse.delete(index);
      this.#gone.push(keyOf(bucket));
    }
  }

  #mergeCoarse(index: number, fine: Bucket): void {
    const known = this.#coarse.get(index);
    const bucket = known ?? newBucket({ ...fine, index, isCoarse: true });
    bucket.from = Math.min(bucket.from, fine.from);
    bucket.to = Math.max(bucket.to, fine.to);
    bucket.firstMs = Math.min(bucket.firstMs, fine.firstMs);
    bucket.lastMs = Math.max(bucket.lastMs, fine.lastMs);
    mergeInto(bucket.digests, fine.digests);
    this.#coarse.set(index, bucket);
    this.#changed.add(bucket);
  }
}

function newBucket(bucket: Omit<Bucket, 'digests'>): Bucket {
  return { ...bucket, digests: new Map() };
}

function keyOf({ index, isCoarse }: Bucket): string {
  return `${isCoarse ? 'c' : 'f'}${index}`;
}

/** An entry as it was taken, without a member of one of its digests: what came into its bucket since stays out of it. */
export function entryWithout(value: Buffer, name: string, member: HashPair): Buffer {
  const bucket = decode(value, 0, false);
  bucket.digests.get(name)?.remove(member);
  return encode(bucket);
}

function encode({ from, to, firstMs, lastMs, digests }: Bucket): Buffer {
  const json: BucketJson = { f: from, t: to, e: firstMs, l: lastMs, d: toJson(digests) };
  return Buffer.from(JSON.stringify(json));
}

function toJson(digests: ReadonlyMap<string, Digest>): Record<string, DigestJson> {
  return Object.fromEntries([...digests].map(([name, digest]) => [name, digest.toJSON()]));
}

function decode(value: Buffer, index: number, isCoarse: boolean): Bucket {
  const { f, t, e, l, d } = JSON.parse(value.toString('utf8')) as BucketJson;
  const digests = new Map(Object.entries(d).map(([name, json]) => [name, Digest.of(json)]));
  return { index, isCoarse, from: f, to: t, firstMs: e, lastMs: l, digests };
}
