/**
 * What is used of chdb. It is an optional dependency: with a declaration of our own the sources compile without it.
 * Its connection class implements the client's interface, declared in another copy of the same package.
 */
declare module 'chdb/connection' {
  import type { createClient } from '@clickhouse/client';

  type ClientOptions = NonNullable<Parameters<typeof createClient>[0]>;

  export function createChdbConnection(options: { path: string }): NonNullable<ClientOptions['connection']>;
}
