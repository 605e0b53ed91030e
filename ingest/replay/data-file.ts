/** Recorded data on disk: finds the file, reads its lines as a stream. */
import { createReadStream, existsSync, statSync, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MillraceError, errorText } from '../../platform/errors.ts';

const READ_BYTES = 262_144;
/** RFC 1952, section 2.3.1. */
const GZIP_MAGIC = 0x1f8b;

/**
 * `path` itself where it is a file, else the first of `names` in that folder, gzipped or plain.
 * @throws MillraceError MR_REPLAY_NOT_FOUND.
 */
export function findDataFile(path: string, names: readonly string[]): string {
  const candidates = names.flatMap((name) => [join(path, `${name}.gz`), join(path, name)]);
  const found = isFile(path) ? path : candidates.find(isFile);
  if (found !== undefined) return found;
  throw new MillraceError('MR_REPLAY_NOT_FOUND', whyNotFound(path, names), { context: { path } });
}

function whyNotFound(path: string, names: readonly string[]): string {
  if (!existsSync(path)) return `${path} does not exist`;
  return names.length === 0
    ? `${path} is a folder; a file is needed`
    : `${path} has no file ${names.join(' or ')}, plain or .gz`;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * The lines of a text file, gzipped or plain, as they come off the disk: some thousands at a time, without line ends.
 * @throws MillraceError MR_REPLAY_UNREADABLE where the file breaks off.
 */
export async function* readLines(path: string): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of await openText(path)) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield lines.map(withoutCarriageReturn);
    }
    rest += decoder.decode();
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError(
      'MR_REPLAY_UNREADABLE',
      `${path} cannot be read to its end: ${errorText(cause)}`,
      {
        context: { path },
        cause,
      },
    );
  }
  if (rest !== '') yield [withoutCarriageReturn(rest)];
}

async function openText(path: string): Promise<Readable> {
  const gzipped = (await firstTwoBytes(path)) === GZIP_MAGIC;
  const bytes: ReadStream = createReadStream(path, { highWaterMark: READ_BYTES });
  if (!gzipped) return bytes;
  const text = createGunzip({ chunkSize: READ_BYTES });
  // A failure destroys `text` with the error, so whoever iterates it gets it; the callback has nothing to add.
  pipeline(bytes, text, () => undefined);
  return text;
}

async function firstTwoBytes(path: string): Promise<number> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 ? buffer.readUInt16BE(0) : -1;
  } finally {
    await file.close();
  }
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
