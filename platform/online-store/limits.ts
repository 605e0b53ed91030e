import { hasCode, MillraceError } from '../errors.ts';
import type { VersionedWrite } from './port.ts';

/** Below LMDB's limit of 1,978 bytes, whatever the engine, so that a key that works in one works in the other. */
const LONGEST_KEY_BYTES = 1900;
/** What is larger belongs elsewhere: both engines answer one call at a time while they copy it. */
const OWNER = /^[\w.-]{1,100}$/;
const LARGEST_VALUE_BYTES = 8 * 2 ** 20;

/** Whether a refusal is for the key or the value of a write, so that others beside it may pass. */
export function isOfWrite(error: unknown): boolean {
  return hasCode(error, 'MR_ONLINE_STORE_FAILED') && error.context['isOfWrite'] === true;
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkWrite({ key, value, version, ttlMs, owner }: VersionedWrite): void {
  checkKey(key);
  checkTtl(ttlMs);
  if (value !== null) checkValue(value);
  if (!Number.isSafeInteger(version) || version < 0)
    throw refused('a version must be a safe integer', { version });
  if (owner !== undefined && !OWNER.test(owner))
    throw refused('an owner must have 1 to 100 letters, digits and . _ -', { length: owner.length });
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs <= 0)
    throw refused('a time to live must be a whole number of milliseconds above 0', { ttlMs });
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkKey(key: string): void {
  if (key === '' || isLonger(key, LONGEST_KEY_BYTES))
    throw refused('a key must have 1 to 1,900 bytes', { length: key.length });
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkValue(value: string): void {
  if (isLonger(value, LARGEST_VALUE_BYTES))
    throw refused('a value must not have more than 8 MiB', { length: value.length });
}

/** The text with U+FFFD for each half of a surrogate pair, as it would come back from UTF-8. */
export function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed(); // ES2024, in Node.js since 20
}

/** A UTF-16 unit takes at most three bytes: most texts need no count. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

function refused(message: string, context: Readonly<Record<string, number>>): MillraceError {
  return new MillraceError('MR_ONLINE_STORE_FAILED', message, { context: { ...context, isOfWrite: true } });
}
