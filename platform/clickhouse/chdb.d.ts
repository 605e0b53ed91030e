/**
 * What is used of chdb. It is an optional dependency: with a declaration of our own the sources compile without it.
 * Its connection class implements the client's interface, declared in another copy of the same package.
 */
declare module 'chdb/connection' {
  import type { createClient } from '@clickhouse/client';

  type ClientOptions = NonNullable<Parameters<typeof createClient>[0]>;

  export function createChdbConnection(options: { path: string }): NonNullable<ClientOptions['connection']>;
}

declare module 'chdb' {
  export interface ChdbResult {
    readonly elapsed: number;
    readonly rowsRead: number;
    readonly bytesRead: number;
    bytes(): Uint8Array;
  }

  export interface ChdbChunk {
    readonly numRows: number;
    raw(): Uint8Array;
  }

  export interface ChdbStream extends AsyncIterable<ChdbChunk> {
    cancel(): void;
  }

  export class Session {
    constructor(path: string, options?: { connectionArgs?: readonly string[] });
    /** The handle that the addon's functions take; null once closed. */
    readonly connection: unknown;
    query(sql: string, format?: string): string;
    queryAsync(sql: string, options?: { format?: string }): Promise<ChdbResult>;
    queryStream(sql: string, options?: { format?: string }): ChdbStream;
    close(): void;
  }
}
