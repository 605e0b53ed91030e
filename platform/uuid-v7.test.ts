import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidV7 } from './uuid-v7.ts';

const bytes = fc.uint8Array({ minLength: 10, maxLength: 32 });

describe('uuidV7', () => {
  test('has the layout of RFC 9562 with the time in its first 48 bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes, (timeMs, random) => {
        const id = uuidV7(timeMs, random);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(timeMs);
      }),
    );
  });

  test('gives the vector of RFC 9562, appendix A.6', () => {
    const random = Buffer.from('0cc3_18c4_dc0c_0c07_398f'.replaceAll('_', ''), 'hex');
    expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });
});
