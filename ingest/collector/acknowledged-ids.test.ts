import { describe, expect, test } from 'vitest';
import { createAcknowledgedIds } from './acknowledged-ids.ts';

describe('createAcknowledgedIds', () => {
  test('knows the last ids and forgets old ones', () => {
    const ids = createAcknowledgedIds(100);
    for (let n = 0; n < 1000; n++) ids.add(`id-${n}`);
    const known = Array.from({ length: 1000 }, (_, n) => `id-${n}`).filter((id) => ids.has(id));
    expect(known.length).toBeGreaterThanOrEqual(100);
    expect(known.length).toBeLessThanOrEqual(200);
    expect(known.at(-1)).toBe('id-999');
    expect(ids.has('never')).toBe(false);
  });
});
