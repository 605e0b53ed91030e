/** Which rights a left meets, and how long both are waited for. */
export interface JoinBounds {
  /** A left at t meets rights from t - beforeMs … Negative: only rights that come after it, by so much at least. */
  readonly beforeMs: number;
  /** … to t + afterMs, both included. Negative: only rights that came before it, by so much at least. */
  readonly afterMs: number;
  /** How long after its end, in event time, an interval still takes events; at least 0. */
  readonly graceMs: number;
}

/** The bounds as one side sees them. */
export interface SideBounds {
  /** An event at t meets those of the other side from t - beforeMs to t + afterMs. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Its interval is closed once the watermark is beyond t + closesAfterMs. */
  readonly closesAfterMs: number;
  /** No event that is not late can meet it once the watermark is beyond t + keptMs. */
  readonly keptMs: number;
}

export function leftBounds({ beforeMs, afterMs, graceMs }: JoinBounds): SideBounds {
  return {
    beforeMs,
    afterMs,
    // An interval that ends before its own event is open as long as that event may come in time.
    closesAfterMs: Math.max(afterMs, 0) + graceMs,
    // The last it meets is at t + afterMs, and that one's own interval closes by the mirrored rule.
    keptMs: afterMs + Math.max(beforeMs, 0) + graceMs,
  };
}

export function rightBounds({ beforeMs, afterMs, graceMs }: JoinBounds): SideBounds {
  return leftBounds({ beforeMs: afterMs, afterMs: beforeMs, graceMs });
}

/** @throws RangeError */
export function checkBounds(what: string, { beforeMs, afterMs, graceMs }: JoinBounds): void {
  whole(`${what}: beforeMs`, beforeMs);
  whole(`${what}: afterMs`, afterMs);
  checkDuration(`${what}: graceMs`, graceMs);
  if (beforeMs + afterMs < 0)
    throw new RangeError(
      `${what}: the interval is empty: ${afterMs} ms after is earlier than ${beforeMs} ms before`,
    );
}

/** Of a join with the past of a table. @throws RangeError */
export function checkHistory(
  what: string,
  { historyMs, graceMs }: { readonly historyMs: number; readonly graceMs: number },
): void {
  checkDuration(`${what}: historyMs`, historyMs);
  checkDuration(`${what}: graceMs`, graceMs);
  if (graceMs > historyMs)
    throw new RangeError(`${what}: a grace of ${graceMs} ms is longer than the history of ${historyMs} ms`);
}

/** @throws RangeError */
function checkDuration(what: string, ms: number): void {
  whole(what, ms);
  if (ms < 0) throw new RangeError(`${what} must be at least 0, not ${ms}`);
}

function whole(what: string, ms: number): void {
  if (!Number.isSafeInteger(ms)) throw new RangeError(`${what} must be a whole number, not ${ms}`);
}
