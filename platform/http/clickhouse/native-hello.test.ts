import { describe, expect, it } from 'vitest';
import { isNativeGreeting, nativeGreeting } from './native-hello.ts';

const SQL = 'SELECT displayName(), version(), revision(), timezone()';

describe('the greeting of clickhouse-go', () => {
  it('is known only with a revision that frames blocks', () => {
    expect(isNativeGreeting(SQL, 54_478)).toBe(true);
    expect(isNativeGreeting(SQL, 0)).toBe(false);
    expect(isNativeGreeting('SELECT version()', 54_478)).toBe(false);
  });

  it.each([
    [54_478, '\0'],
    [54_000, ''],
  ])('is one row as of revision %d, which states revision 0', (revision, custom) => {
    const expected =
      '\x01\0\x02\xff\xff\xff\xff\0\x04\x01' +
      `\x0ddisplayName()\x06String${custom}\x08millrace` +
      `\x09version()\x06String${custom}\x0826.7.2.1` +
      `\x0arevision()\x06UInt32${custom}\0\0\0\0` +
      `\x0atimezone()\x06String${custom}\x03UTC`;
    expect(nativeGreeting('26.7.2.1', revision).toString('latin1')).toBe(expected);
  });
});
