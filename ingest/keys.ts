/** The collector's key where none is configured: made once, kept in the data folder. */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../platform/config.ts';
import { MillraceError, errorText } from '../platform/errors.ts';

const KEY_FILE = 'ingest-key';
const MIN_KEY_LENGTH = 16;

/**
 * The key in `<dataDir>/ingest-key` (mode 600), made at the first call. Processes that start at the same moment agree
 * on one key.
 * @throws MillraceError MR_INGEST_KEY_FILE where the file cannot be read or written, or holds no key.
 */
export function loadOrCreateIngestKey(dataDir: string): Secret {
  const path = join(dataDir, KEY_FILE);
  try {
    return readKey(path) ?? createKey(dataDir, path);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError('MR_INGEST_KEY_FILE', `The key file ${path} is of no use: ${errorText(cause)}`, {
      context: { path },
      cause,
    });
  }
}

function readKey(path: string): Secret | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  if (text.length < MIN_KEY_LENGTH || /\s/.test(text)) {
    throw new MillraceError(
      'MR_INGEST_KEY_FILE',
      `The file ${path} holds no key of ${MIN_KEY_LENGTH} characters`,
      {
        context: { path },
      },
    );
  }
  chmodSync(path, 0o600);
  return new Secret(text);
}

function createKey(dataDir: string, path: string): Secret {
  mkdirSync(dataDir, { recursive: true });
  const key = `mrk_${randomBytes(24).toString('base64url')}`;
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // A link fails where the name exists, so that nobody ever reads half a key or replaces another's.
    linkSync(draft, path);
    return new Secret(key);
  } catch (cause) {
    const other = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? readKey(path) : undefined;
    if (other === undefined) throw cause;
    return other;
  } finally {
    rmSync(draft, { force: true });
  }
}
