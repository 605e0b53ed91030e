/** Who may send events. Today every key may send every event; a key with scopes will be one more field here. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Secret } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';

export interface KeyRing {
  /**
   * Lets a request pass that carries a key of the ring.
   * @throws MillraceError MR_INGEST_KEY_MISSING or MR_INGEST_KEY_INVALID.
   */
  authorise(headers: IncomingHttpHeaders): void;
}

/** Digests of equal length, so that the comparison takes the same time whatever was presented. */
const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

export function createKeyRing(keys: readonly Secret[]): KeyRing {
  const digests = keys.map((key) => digest(key.reveal()));
  return {
    authorise(headers) {
      const presented = presentedKey(headers);
      if (presented === undefined) {
        throw new MillraceError('MR_INGEST_KEY_MISSING', 'The request carries no ingest key.');
      }
      const given = digest(presented);
      let known = false;
      // Every key is compared, so that the time does not tell which one matched.
      for (const expected of digests) known = timingSafeEqual(given, expected) || known;
      if (!known) throw new MillraceError('MR_INGEST_KEY_INVALID', 'The ingest key is not known here.');
    },
  };
}

/** `Authorization: Bearer <key>` (RFC 6750, section 2.1) comes before `x-api-key`. */
function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : undefined;
}
