import { EventIdSet, packedIds, type UuidWords } from './event-id-set.ts';

/** Ids go in steps of this part of the horizon: few sets to ask, little kept beyond it. */
const SPANS = 6;
/** Where there are many, they go in steps of this part of `maxIds`. */
const GENERATIONS = 8;
const WORDS = 4;
/** Ids of one changelog record: half of the megabyte that Kafka takes by default. */
const CHUNK_IDS = 32_768;

export interface DuplicateFilterOptions {
  /** How long an eventId is remembered at least, by ingest time. */
  readonly horizonMs: number;
  /** Most ids kept; beyond it the oldest go early. */
  readonly maxIds: number;
}

/** Ids of one span of ingest time, or of a part of it where there are many. */
interface Generation {
  readonly span: number;
  readonly ids: EventIdSet;
  /** Keys of its chunks in the changelog. */
  readonly chunks: string[];
  /** Words of the ids since the last commit. */
  fresh: number[];
}

/**
 * Remembers the eventIds of the horizon and tells the duplicates. Part of the task's state: each commit writes the
 * new ids as packed chunks of each generation. What is older than the horizon, measured from the newest ingest time
 * and not from the clock, is deleted: a backlog of days is judged as it would have been at its time.
 */
export class DuplicateFilter {
  readonly #options: DuplicateFilterOptions;
  /** In the order in which they were begun. */
  #generations: Generation[] = [];
  readonly #dropped: string[] = [];
  #newestSpan = 0;
  #chunkNumber = 0;
  #size = 0;

  constructor(options: DuplicateFilterOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the id was seen within the horizon. */
  has(id: UuidWords): boolean {
    // Most duplicates are repetitions of what has just been sent.
    for (let index = this.#generations.length - 1; index >= 0; index--) {
      if (this.#generations[index]?.ids.has(id) === true) return true;
    }
    return false;
  }

  /** Remembers an id that {@link has} does not know. */
  add(id: UuidWords, ingestTimeMs: number): void {
    const generation = this.#generation(Math.floor((ingestTimeMs * SPANS) / this.#options.horizonMs));
    generation.ids.add(id);
    generation.fresh.push(id[0] ?? 0, id[1] ?? 0, id[2] ?? 0, id[3] ?? 0);
    this.#size += 1;
  }

  /** Changelog entries since the last call: new chunks, and deletions of what is beyond the horizon. */
  takeChanges(): { readonly key: string; readonly value: Buffer | null }[] {
    const changes: { key: string; value: Buffer | null }[] = [];
    for (const generation of this.#generations) {
      for (let at = 0; at < generation.fresh.length; at += CHUNK_IDS * WORDS) {
        const key = `${generation.span}|${this.#chunkNumber++}`;
        generation.chunks.push(key);
        changes.push({ key, value: packedIds(generation.fresh.slice(at, at + CHUNK_IDS * WORDS)) });
      }
      generation.fresh = [];
    }
    this.#expire();
    changes.push(...this.#dropped.splice(0).map((key) => ({ key, value: null })));
    return changes;
  }

  /** Takes an entry of the changelog, in its order. */
  restore(key: string, value: Buffer | null): void {
    const [span = 0, chunk = 0] = key.split('|').map(Number);
    this.#chunkNumber = Math.max(this.#chunkNumber, chunk + 1);
    if (value === null) {
      this.#forgetChunk(span, key);
      return;
    }
    const generation = this.#generation(span);
    const before = generation.ids.size;
    generation.ids.addPacked(value);
    generation.chunks.push(key);
    this.#size += generation.ids.size - before;
  }

  #generation(span: number): Generation {
    this.#newestSpan = Math.max(this.#newestSpan, span);
    const mostIds = this.#options.maxIds / GENERATIONS;
    for (let index = this.#generations.length - 1; index >= 0; index--) {
      const known = this.#generations[index];
      if (known?.span === span && known.ids.size < mostIds) return known;
    }
    const generation: Generation = { span, ids: new EventIdSet(), chunks: [], fresh: [] };
    this.#generations.push(generation);
    return generation;
  }

  #expire(): void {
    const oldestKept = this.#newestSpan - SPANS;
    this.#drop((generation) => generation.span < oldestKept);
    while (this.#size > this.#options.maxIds && this.#generations.length > 1) {
      const oldest = this.#generations[0];
      this.#drop((generation) => generation === oldest);
    }
  }

  #drop(isGone: (generation: Generation) => boolean): void {
    this.#generations = this.#generations.filter((generation) => {
      if (!isGone(generation)) return true;
      this.#size -= generation.ids.size;
      this.#dropped.push(...generation.chunks);
      return false;
    });
  }

  /** A chunk that was written and deleted again before the changelog was compacted goes with its generation. */
  #forgetChunk(span: number, key: string): void {
    const found = this.#generations.find(
      (generation) => generation.span === span && generation.chunks.includes(key),
    );
    if (found === undefined) return;
    this.#generations = this.#generations.filter((generation) => generation !== found);
    this.#size -= found.ids.size;
  }
}
