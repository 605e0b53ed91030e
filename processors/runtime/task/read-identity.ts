import type { Input } from '../topology.ts';
import { parseUuid, type UuidWords } from './event-id-set.ts';
import type { Head } from './input-queue.ts';
import { isEvents } from './read-head.ts';

/**
 * Whether a record is counted by its eventId, which it leaves in `id`; by its place otherwise. The auditor, which reads
 * the same records, decides in the same way.
 */
export function isIdentified(input: Input, head: Head, id: UuidWords): boolean {
  if (head.kind !== 'value' || !isEvents(input) || head.value === null) return false;
  return parseUuid(String((head.value as { readonly eventId: unknown }).eventId), id);
}
