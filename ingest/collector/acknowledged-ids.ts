/** The eventIds that Kafka acknowledged lately, so that a client's retry is answered without a second record. */
export interface AcknowledgedIds {
  has(eventId: string): boolean;
  add(eventId: string): void;
}

/**
 * Holds the last `capacity` to `2 * capacity` ids in two generations: a full young one becomes the old one, and the old
 * one is forgotten as a whole. Only saves work; exactness is the processors' part.
 */
export function createAcknowledgedIds(capacity: number): AcknowledgedIds {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: (eventId) => young.has(eventId) || old.has(eventId),
    add(eventId) {
      if (young.size >= capacity) {
        old = young;
        young = new Set();
      }
      young.add(eventId);
    },
  };
}
