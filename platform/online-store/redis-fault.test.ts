import { describe, expect, it } from 'vitest';
import { faultOf } from './redis-fault.ts';

const withCode = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.1:6379`), { code });

const known = { isTls: false, isNew: false };

describe('faultOf', () => {
  it.each([
    [
      new Error('WRONGPASS invalid username-password pair or user is disabled.'),
      'MR_ENGINE_AUTH_FAILED',
      true,
    ],
    [
      new Error('NOAUTH HELLO must be called with the client already authenticated'),
      'MR_ENGINE_AUTH_FAILED',
      true,
    ],
    [new Error('ERR invalid password'), 'MR_ENGINE_AUTH_FAILED', true],
    [withCode('CERT_HAS_EXPIRED'), 'MR_ENGINE_TLS_FAILED', true],
    [withCode('ENOTFOUND'), 'MR_ONLINE_STORE_UNAVAILABLE', true],
    [withCode('EAI_AGAIN'), 'MR_ONLINE_STORE_UNAVAILABLE', false],
    [withCode('ECONNREFUSED'), 'MR_ONLINE_STORE_UNAVAILABLE', false],
    [new Error('Socket timeout. Expecting data.'), 'MR_ONLINE_STORE_UNAVAILABLE', false],
    [new Error('LOADING Redis is loading the dataset'), 'MR_ONLINE_STORE_UNAVAILABLE', false],
  ])('takes "%s" as %s, final: %s', (error, code, isFinal) => {
    const fault = faultOf(error, known);
    expect(fault?.isFinal).toBe(isFinal);
    const wrapped = fault?.toError('connect', 'h:6379');
    expect([wrapped?.code, wrapped?.cause]).toEqual([code, undefined]);
  });

  it('looks into the error of a cluster for that of its last node', () => {
    const all = Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: withCode('ECONNREFUSED'),
    });
    expect(faultOf(all, known)?.text).toBe('nothing listens on that port');
  });

  it('says nothing of what only states that there is no connection', () => {
    expect(faultOf(new Error('Connection is closed.'), known)).toBeUndefined();
  });

  it('thinks of TLS where a new connection is not answered or closed at once', () => {
    const text = (code: string, isTls: boolean) => faultOf(withCode(code), { isTls, isNew: true })?.text;
    expect(text('ETIMEDOUT', true)).toMatch(/perhaps it does not expect TLS/);
    expect(text('ECONNRESET', false)).toMatch(/perhaps it expects TLS/);
    expect(text('ETIMEDOUT', false)).not.toMatch(/TLS/);
    expect(faultOf(withCode('ECONNRESET'), known)?.text).not.toMatch(/TLS/);
  });
});
