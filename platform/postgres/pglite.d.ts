/**
 * What is used of PGlite. It is an optional dependency: with a declaration of our own the sources compile without it.
 */
declare module '@electric-sql/pglite' {
  export interface PgliteResult {
    readonly rows: Record<string, unknown>[];
    readonly affectedRows?: number;
  }

  export class PGlite {
    static readonly defaultStartParams: readonly string[];
    static create(options: { fs: unknown; startParams: readonly string[] }): Promise<PGlite>;
    /** By type oid. */
    parsers: Record<number, (value: string) => unknown>;
    serializers: Record<number, (value: unknown) => string>;
    query(sql: string, params: readonly (string | null)[]): Promise<PgliteResult>;
    exec(sql: string): Promise<unknown>;
    onNotification(callback: (channel: string, payload: string) => void): () => void;
    close(): Promise<void>;
  }
}

declare module '@electric-sql/pglite/nodefs' {
  /** A file or folder that the engine has open; only files have a descriptor of this process. */
  export interface OpenFile {
    readonly nfd?: number;
    readonly node: unknown;
  }

  export interface EngineModule {
    readonly NODEFS: {
      readonly stream_ops: { fsync?: (file: OpenFile) => number };
      realPath(node: unknown): string;
      /** Turns an error of Node.js into one that the engine sees as errno. */
      tryFSOperation<T>(operation: () => T): T;
    };
  }

  export interface EngineOptions {
    readonly preRun?: readonly ((module: EngineModule) => void)[];
  }

  export class NodeFS {
    constructor(directory: string);
    init(engine: unknown, options: EngineOptions): Promise<{ emscriptenOpts: EngineOptions }>;
  }
}
