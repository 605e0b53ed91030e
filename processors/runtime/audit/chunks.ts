/** The items, so many at a time. */
export function* chunks<T>(items: Iterable<T>, size: number): Generator<readonly T[], undefined> {
  let chunk: T[] = [];
  for (const item of items) {
    if (chunk.push(item) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
