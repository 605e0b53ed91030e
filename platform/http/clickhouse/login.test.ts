import { describe, expect, it } from 'vitest';
import { Secret } from '../../config.ts';
import { Login } from './login.ts';

const accounts = [
  { user: 'default', password: new Secret('full'), isReader: false },
  { user: 'reader', password: new Secret('p:w'), isReader: true },
];
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const none = new URLSearchParams();

describe('Login', () => {
  it('knows the accounts by Basic, by headers and by the URL', () => {
    const login = new Login(accounts, () => 0);
    expect(login.check(basic('reader:p:w'), none, 'a').user).toBe('reader');
    expect(login.check({ 'x-clickhouse-key': 'full' }, none, 'a').user).toBe('default');
    expect(login.check({}, new URLSearchParams('user=reader&password=p:w'), 'a').isReader).toBe(true);
  });

  it.each([basic('reader:full'), basic('default:'), basic('nocolon'), { authorization: 'Bearer x' }, {}])(
    'refuses %j',
    (headers) => {
      expect(() => new Login(accounts, () => 0).check(headers, none, 'a')).toThrow(
        expect.objectContaining({ code: 516 }) as Error,
      );
    },
  );

  it('refuses an address after twenty failures, until a minute has passed', () => {
    let nowMs = 0;
    const login = new Login(accounts, () => nowMs);
    const attempt = (address: string) => () => login.check(basic('reader:p:w'), none, address);
    for (let i = 0; i < 20; i++) expect(() => login.check(basic('reader:no'), none, 'bad')).toThrow();
    expect(attempt('bad')).toThrow(/too many failed/);
    expect(attempt('good')).not.toThrow();
    nowMs = 60_001;
    expect(attempt('bad')).not.toThrow();
  });
});
