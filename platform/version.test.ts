import { describe, expect, it } from 'vitest';
import { isAtLeast, requireVersion } from './version.ts';

describe('requireVersion', () => {
  it('compares part by part, as numbers', () => {
    for (const version of ['7.0', '7.0.15', '7.10.0', '18.4 (Debian)'])
      requireVersion('Redis', version, '7.0');
    expect(() => {
      requireVersion('Redis', '6.2.14', '7.0');
    }).toThrow('Redis 6.2.14 is too old: Millrace needs 7.0 or newer');
  });
});

describe('isAtLeast', () => {
  it('is no comparison of texts', () => {
    expect(isAtLeast('v22.1.0', '20.19.0')).toBe(true);
    expect(isAtLeast('20.9.0', '20.19.0')).toBe(false);
  });
});
