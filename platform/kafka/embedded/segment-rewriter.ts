import { BlockBuilder, type Block } from './block-builder.ts';
import { lowerBound, storedBlocks } from './compaction.ts';
import { rawRecords } from './record-codec.ts';
import { SegmentWriter } from './segment-writer.ts';
import { newIdentity, Segment, type SegmentPart, type TableLoader } from './segment.ts';

/** What is kept of a part: all records, or those at these ascending offsets. */
export type Keep = 'all' | Float64Array;

export interface RewriteOptions {
  readonly fsync: boolean;
  readonly loadTable: TableLoader;
  /** Undefined where nothing of the part is to be kept. */
  readonly keep: (part: SegmentPart) => Keep | undefined;
}

/** Blocks of a rewritten segment are filled to this: cold reads then find a partition in one place. */
const BLOCK_BYTES = 256 * 1024;
const FRAME_BYTES = 4 * 1024 * 1024;
const MAX_DELTA = 0xffff_ffff;

/**
 * Writes what is to be kept of neighbouring closed segments into one segment, partition by partition, and puts it under
 * the name of the first. From that moment a recovery takes the new segment and removes the sources.
 */
export async function rewriteSegments(
  sources: readonly Segment[],
  options: RewriteOptions,
): Promise<Segment | undefined> {
  const first = sources[0];
  const last = sources.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const identity = newIdentity(first.id, last.identity.coversTo);
  const segment = new Segment(first.dir, identity, options.loadTable);
  const draft = new Draft(SegmentWriter.create(segment, { fsync: options.fsync, isDraft: true }));
  try {
    for (const key of partKeys(sources)) {
      for (const source of sources) {
        const part = source.parts.get(key);
        const keep = part === undefined ? undefined : options.keep(part);
        if (part !== undefined && keep !== undefined) await copyPart(draft, source, { part, keep });
      }
      await draft.endPartition();
    }
    await draft.flush();
    // Readers that are under way go on with the file that they began with.
    for (const source of sources) source.hold();
    await draft.writer.publish();
  } catch (error) {
    draft.writer.discard();
    throw error;
  }
  draft.writer.close();
  return segment;
}

function partKeys(sources: readonly Segment[]): number[] {
  return [...new Set(sources.flatMap((source) => [...source.parts.keys()]))].sort((a, b) => a - b);
}

async function copyPart(
  draft: Draft,
  source: Segment,
  what: { readonly part: SegmentPart; readonly keep: Keep },
): Promise<void> {
  const { part, keep } = what;
  for await (const { entry, payload } of storedBlocks(source, part)) {
    let next = keep === 'all' ? 0 : lowerBound(keep, entry.base);
    for (const record of rawRecords(payload, entry.base)) {
      if (keep !== 'all') {
        if (keep[next] !== record.offset) continue;
        next++;
      }
      const builder = await draft.builder(part, record.offset);
      builder.copy(payload, record);
    }
    draft.coverTo(entry.last);
  }
}

/** Collects blocks into frames of the new segment. */
class Draft {
  readonly writer: SegmentWriter;
  #blocks: Block[] = [];
  #bytes = 0;
  #open: { readonly part: SegmentPart; readonly builder: BlockBuilder } | undefined;

  constructor(writer: SegmentWriter) {
    this.writer = writer;
  }

  /** The block that takes the record at this offset. */
  async builder(part: SegmentPart, offset: number): Promise<BlockBuilder> {
    if (this.#open !== undefined) {
      const { builder } = this.#open;
      if (builder.bytes < BLOCK_BYTES && offset - builder.base <= MAX_DELTA) return builder;
      await this.endPartition();
    }
    const builder = new BlockBuilder(offset, BLOCK_BYTES / 8);
    this.#open = { part, builder };
    return builder;
  }

  /** Holes at the end of a source block belong to the block before them. */
  coverTo(last: number): void {
    this.#open?.builder.coverTo(last);
  }

  async endPartition(): Promise<void> {
    if (this.#open === undefined) return;
    const { part, builder } = this.#open;
    this.#open = undefined;
    this.#blocks.push(builder.build(part.topicId, part.partition));
    this.#bytes += builder.bytes;
    if (this.#bytes >= FRAME_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#blocks.length === 0) return;
    this.writer.note(await this.writer.append(this.#blocks, []));
    this.#blocks = [];
    this.#bytes = 0;
  }
}
