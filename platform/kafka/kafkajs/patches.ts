import { RequestQueue, type VendorRequestQueue } from './vendor.ts';

/**
 * Stops the timer of about one millisecond that every kafkajs 2.2.4 connection re-arms for ever with a negative delay
 * (tulios/kafkajs#1556, #1751): about 7 % of a core for each idle connection. The check stays where it has work: when
 * requests wait, either for a client-side throttle or for room in flight. Idempotent.
 */
export function applyPatches(prototype: VendorRequestQueue = RequestQueue.prototype): void {
  const original = Object.getOwnPropertyDescriptor(prototype, 'scheduleCheckPendingRequests')?.value as
    | PatchedMethod
    | undefined;
  if (original === undefined || original[PATCHED] === true) return;
  const patched: PatchedMethod = function scheduleCheckPendingRequests(this: VendorRequestQueue): void {
    if (this.pending.length > 0) original.call(this);
  };
  patched[PATCHED] = true;
  prototype.scheduleCheckPendingRequests = patched;
}

const PATCHED = Symbol('millrace.patched');

interface PatchedMethod {
  (this: VendorRequestQueue): void;
  [PATCHED]?: boolean;
}
