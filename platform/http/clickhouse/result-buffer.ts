import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const MEMORY_BYTES = 8 * 1024 ** 2;

/** Holds an answer until it is complete: in memory, and beyond 8 MiB in a file that goes with it. */
export class ResultBuffer {
  readonly #dir: string;
  #chunks: Uint8Array[] = [];
  #inMemory = 0;
  #file: { readonly path: string; readonly handle: FileHandle } | undefined;

  /** @param dir folder of the file */
  constructor(dir: string) {
    this.#dir = dir;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(bytes);
    this.#inMemory += bytes.length;
    if (this.#inMemory > MEMORY_BYTES) await this.#spill();
  }

  async #spill(): Promise<void> {
    this.#file ??= await this.#createFile();
    await this.#file.handle.writev(this.#chunks);
    this.#chunks = [];
    this.#inMemory = 0;
  }

  async #createFile(): Promise<{ path: string; handle: FileHandle }> {
    await mkdir(this.#dir, { recursive: true });
    const path = join(this.#dir, `answer-${randomUUID()}`);
    return { path, handle: await open(path, 'wx', 0o600) };
  }

  async *read(): AsyncGenerator<Uint8Array> {
    if (this.#file !== undefined) {
      await this.#spill();
      yield* createReadStream(this.#file.path, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Uint8Array>;
    }
    yield* this.#chunks;
  }

  async close(): Promise<void> {
    await this.#file?.handle.close();
    if (this.#file !== undefined) await rm(this.#file.path, { force: true });
    this.#file = undefined;
  }
}
