import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { MillraceError } from '../../../../platform/errors.ts';
import { savedRecord, type SavedRecord } from './saved-record.ts';

export interface WrittenFile {
  readonly sha256: string;
  readonly bytes: number;
}

/** Writes lines through gzip and has them on disk when it resolves. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<WrittenFile> {
  const hash = createHash('sha256');
  const counted = countingHash(hash);
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await pipeline(Readable.from(lines), createGzip({ level: 6 }), counted.through, target);
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), bytes: counted.bytes() };
}

function countingHash(hash: Hash) {
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { through, bytes: () => bytes };
}

/** @throws MillraceError MR_SAVEPOINT_DAMAGED where a file is not what the manifest says */
export async function verifyFile(path: string, { sha256 }: Pick<WrittenFile, 'sha256'>): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw damaged(`${path} cannot be read`, path, cause);
  }
  if (hash.digest('hex') !== sha256) throw damaged(`${path} fails its checksum`, path);
}

/** The records of a file, in their order. */
export async function* readRecords(path: string): AsyncGenerator<SavedRecord, undefined> {
  let rest = '';
  const text = createGunzip();
  createReadStream(path)
    .on('error', (error) => text.destroy(error)) // a pipe does not hand errors on
    .pipe(text)
    .setEncoding('utf8');
  for await (const part of text as AsyncIterable<string>) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield savedRecord(line);
  }
}

export function damaged(message: string, path: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_SAVEPOINT_DAMAGED', message, {
    context: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
