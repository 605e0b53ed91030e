import { describe, expect, it } from 'vitest';
import { Secret } from '../settings.ts';
import { redisEndpoint, whereOf } from './redis-endpoint.ts';

const endpoint = (url: string, more: { isCluster?: boolean; caFile?: string } = {}) =>
  redisEndpoint({ url: new Secret(url), ...more });

describe('redisEndpoint', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
    ['redis://10.0.0.1:7000/3', { host: '10.0.0.1', port: 7000, db: 3 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000, db: 0 }],
    ['redis://:p%40ss@h', { host: 'h', port: 6379, db: 0, password: 'p@ss' }],
    ['rediss://user:p@h', { host: 'h', port: 6379, db: 0, username: 'user', password: 'p', tls: {} }],
  ])('takes %s apart', (url, parts) => {
    expect(endpoint(url)).toEqual(parts);
  });

  it.each([
    ['no URL', 'h:6379', {}, /not a URL/],
    ['a database that is no number', 'redis://h/x', {}, /number of a database/],
    ['a database of a cluster', 'redis://h/1', { isCluster: true }, /database 0 alone/],
    ['an authority without TLS', 'redis://h', { caFile: 'ca.pem' }, /without rediss/],
    ['broken escapes', 'redis://:secret%zz@h', {}, /%25/],
  ])('refuses %s without showing the URL', (_what, url, more, words) => {
    const attempt = () => endpoint(url, more);
    expect(attempt).toThrow(expect.objectContaining({ code: 'MR_CONFIG_INVALID' }) as Error);
    expect(attempt).toThrow(words);
    expect(attempt).not.toThrow(/secret/);
  });
});

it('whereOf puts the brackets of IPv6 back', () => {
  expect([whereOf({ host: '::1', port: 1 }), whereOf({ host: 'h', port: 2 })]).toEqual(['[::1]:1', 'h:2']);
});
