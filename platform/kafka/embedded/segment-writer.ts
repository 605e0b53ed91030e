import {
  closeSync,
  fdatasync,
  fsync,
  fsyncSync,
  ftruncate,
  openSync,
  renameSync,
  rmSync,
  writeSync,
  writev,
  writevSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Block } from './block-builder.ts';
import { encodeFrame, type EncodedFrame } from './frame.ts';
import type { MetaOperation } from './meta-operation.ts';
import { encodeSegmentHeader, segmentPath, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

const syncData = promisify(fdatasync);
const syncFile = promisify(fsync);
const truncate = promisify(ftruncate);

/** Frames at the start of a segment that hold the state. */
export const SNAPSHOT_COPIES = 2;

export interface WriterOptions {
  readonly fsync: boolean;
  /** Frames become durable all together, with `publish`. */
  readonly isDraft?: boolean;
}

/** Appends frames to one segment file. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #fsync: boolean;
  #fd: number;
  #frames: number;

  readonly #isDraft: boolean;
  #snapshotBytes = 0;

  private constructor(segment: Segment, fd: number, options: WriterOptions & { readonly frames: number }) {
    this.segment = segment;
    this.#fd = fd;
    this.#fsync = options.fsync;
    this.#isDraft = options.isDraft ?? false;
    this.#frames = options.frames;
  }

  /** Starts a segment under a temporary name; it is in the log when `publish` has given it its own. */
  static create(segment: Segment, options: WriterOptions): SegmentWriter {
    const fd = openSync(temporaryPath(segment), 'w');
    writeSync(fd, encodeSegmentHeader(segment.identity), 0, SEGMENT_HEADER_BYTES, 0);
    return new SegmentWriter(segment, fd, { ...options, frames: 0 });
  }

  /** Goes on with a segment that recovery has read to its end. */
  static reopen(segment: Segment, options: WriterOptions & { readonly frames: number }): SegmentWriter {
    return new SegmentWriter(segment, openSync(segmentPath(segment.dir, segment.id), 'r+'), options);
  }

  /**
   * Appends one frame and waits until it is durable. After a rejection the file is as before, or `MustStop` is thrown
   * where that cannot be known.
   */
  async append(blocks: readonly Block[], operations: readonly MetaOperation[]): Promise<EncodedFrame> {
    const { segment } = this;
    const identity = { nonce: segment.identity.nonce, number: this.#frames };
    const frame = encodeFrame(identity, blocks, operations);
    try {
      await this.#write([frame.head, ...blocks.map((block) => block.payload)], segment.bytes);
      if (this.#fsync && !this.#isDraft) await syncData(this.#fd);
    } catch (error) {
      await this.#rollBack(error);
      throw error;
    }
    this.#frames++;
    return frame;
  }

  /** Bytes behind the snapshots: a large state must not close a segment at once. */
  get workBytes(): number {
    return this.segment.bytes - this.#snapshotBytes;
  }

  /** Whether anything follows the snapshots that each segment begins with. */
  get hasWork(): boolean {
    return this.#frames > SNAPSHOT_COPIES;
  }

  /** Takes a frame that `append` made durable into the segment's index. */
  note(frame: EncodedFrame, onNewPart: (topicId: number, partition: number) => void = () => undefined): void {
    const { segment } = this;
    for (const block of frame.blocks) {
      if (segment.add(block, segment.bytes)) onNewPart(block.topicId, block.partition);
    }
    segment.bytes += frame.bytes;
    if (this.#frames === SNAPSHOT_COPIES) this.#snapshotBytes = segment.bytes;
  }

  /** Makes the file durable, and gives a new segment its own name. */
  async publish(): Promise<void> {
    const { segment } = this;
    if (this.#fsync) await syncFile(this.#fd);
    renameSync(temporaryPath(segment), segmentPath(segment.dir, segment.id));
    if (!this.#fsync) return;
    try {
      syncDirectory(segment.dir);
    } catch (error) {
      // The name may lead to the new file after a crash, so nothing may be appended to the one before.
      throw new MustStop(error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Gives up a segment that was not published. */
  discard(): void {
    this.close();
    rmSync(temporaryPath(this.segment), { force: true });
  }

  async #write(buffers: readonly Buffer[], position: number): Promise<void> {
    let rest = buffers.filter((buffer) => buffer.length > 0);
    let at = position;
    while (rest.length > 0) {
      const written = await writeBuffers(this.#fd, rest, at);
      at += written;
      rest = withoutFirst(rest, written);
    }
  }

  async #rollBack(cause: unknown): Promise<void> {
    if (!isOutOfSpace(cause)) throw new MustStop(cause);
    try {
      await truncate(this.#fd, this.segment.bytes);
    } catch (error) {
      throw new MustStop(error);
    }
  }
}

/** The state of the file is not known after a failed sync or write: nothing may be appended to it. */
export class MustStop extends Error {
  constructor(cause: unknown) {
    super('the embedded log cannot write', { cause });
  }
}

const outOfSpaceCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && outOfSpaceCodes.includes(error.code);
}

/** Below this a write into the page cache costs less than a trip to the thread pool. */
const MAX_INLINE_BYTES = 64 * 1024;

async function writeBuffers(fd: number, buffers: readonly Buffer[], position: number): Promise<number> {
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  if (bytes <= MAX_INLINE_BYTES) return writevSync(fd, buffers, position);
  return new Promise((resolve, reject) => {
    writev(fd, buffers, position, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}

function withoutFirst(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = [];
  let skip = bytes;
  for (const buffer of buffers) {
    if (skip < buffer.length) rest.push(buffer.subarray(skip));
    skip = Math.max(0, skip - buffer.length);
  }
  return rest;
}

function temporaryPath(segment: Segment): string {
  return `${segmentPath(segment.dir, segment.id)}.tmp`;
}

/** Makes renames and removals in a directory durable. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
