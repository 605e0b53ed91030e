import { closeSync, fsyncSync, openSync } from 'node:fs';
import type * as nodefs from '@electric-sql/pglite/nodefs';
import type { EngineModule, EngineOptions } from '@electric-sql/pglite/nodefs';

export type NodeFiles = Pick<typeof nodefs, 'NodeFS'>;

/**
 * Start parameters of an engine that syncs: PGlite turns fsync off (`-F`), and of the ways to sync the log only `fsync`
 * reaches the file system below; `fdatasync`, the default, does nothing in WebAssembly.
 */
export function durableParameters(defaults: readonly string[]): string[] {
  return [...defaults.filter((parameter) => parameter !== '-F'), '-c', 'wal_sync_method=fsync'];
}

/** The files of PGlite in a folder, with the fsync that its file system lacks. */
export function durableFiles({ NodeFS }: NodeFiles, directory: string): InstanceType<NodeFiles['NodeFS']> {
  class DurableFiles extends NodeFS {
    override async init(engine: unknown, options: EngineOptions): Promise<{ emscriptenOpts: EngineOptions }> {
      const { emscriptenOpts } = await super.init(engine, options);
      return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync] } };
    }
  }
  return new DurableFiles(directory);
}

function addFsync({ NODEFS }: EngineModule): void {
  NODEFS.stream_ops.fsync = (file) =>
    NODEFS.tryFSOperation(() => {
      if (file.nfd === undefined) syncFolder(NODEFS.realPath(file.node));
      else fsyncSync(file.nfd);
      return 0;
    });
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
