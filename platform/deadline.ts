/**
 * The result of `work`, or a rejection with `expired()` after `ms` milliseconds. The work itself goes on; whoever starts
 * something that can be cancelled does so in `expired`.
 *
 * When the event loop was blocked, the timer and the answer are due in the same turn, and timers come first: an answer
 * that has already arrived still wins.
 */
export async function withDeadline<T>(work: Promise<T>, ms: number, expired: () => Error): Promise<T> {
  let settled = false;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      setImmediate(() => {
        if (!settled) reject(expired());
      });
    }, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    settled = true;
    clearTimeout(timer);
  }
}
