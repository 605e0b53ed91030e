/**
 * The greeting of clickhouse-go, which Grafana uses. It asks for Native as of its own protocol revision, which frames
 * blocks in a way that the engine in process does not write, and reads all later answers as of the revision that this
 * greeting states. So the greeting is framed by hand and states 0: Native as the engine writes it.
 */
const GREETING = /^\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*$/i;
const WITH_BLOCK_INFO = 51_903;
const WITH_CUSTOM_SERIALIZATION = 54_454;

/** True for the greeting of a client that states its protocol revision. */
export function isNativeGreeting(sql: string, clientRevision: number): boolean {
  return clientRevision >= WITH_BLOCK_INFO && GREETING.test(sql);
}

/** One row in the format Native, as of the revision of the client. */
export function nativeGreeting(version: string, clientRevision: number): Buffer {
  const revision = Buffer.alloc(4); // 0
  const columns: readonly (readonly [name: string, type: string, data: Buffer])[] = [
    ['displayName()', 'String', text('millrace')],
    ['version()', 'String', text(version)],
    ['revision()', 'UInt32', revision],
    ['timezone()', 'String', text('UTC')],
  ];
  const custom = clientRevision >= WITH_CUSTOM_SERIALIZATION ? [Buffer.of(0)] : [];
  return Buffer.concat([
    Buffer.of(1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0), // block info: no overflow row, bucket -1
    Buffer.of(columns.length, 1),
    ...columns.flatMap(([name, type, data]) => [text(name), text(type), ...custom, data]),
  ]);
}

/** Length and bytes; all texts here are shorter than 128. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
