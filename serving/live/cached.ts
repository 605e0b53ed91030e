/**
 * Shares one result of `read` among all callers for `ttlMs`; concurrent callers share one read. A rejection is not kept.
 */
export function cached<T>(
  read: () => Promise<T>,
  options: { ttlMs: number; now: () => number },
): () => Promise<T> {
  let readAtMs = -Infinity;
  let value: Promise<T> | undefined;
  return () => {
    const nowMs = options.now();
    if (value !== undefined && nowMs - readAtMs < options.ttlMs) return value;
    readAtMs = nowMs;
    const reading = read();
    reading.catch(() => {
      // The callers get the rejection; here it only must not stay.
      if (value === reading) value = undefined;
    });
    value = reading;
    return reading;
  };
}
