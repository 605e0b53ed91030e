import { describe, expect, it } from 'vitest';
import { connectionFault } from './connection-fault.ts';

function withCode(code: string, cause?: unknown): Error {
  return Object.assign(new Error(`failed with ${code}`, { cause }), { code });
}

describe('connectionFault', () => {
  it.each([
    ['ENOTFOUND', 'unknown-host'],
    ['ECONNREFUSED', 'refused'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['EPROTO', 'tls'],
    ['ECONNRESET', 'closed'],
  ])('reads %s as %s', (code, kind) => {
    expect(connectionFault(withCode(code))).toMatchObject({ kind });
  });

  it('says that a certificate has expired', () => {
    expect(connectionFault(withCode('CERT_HAS_EXPIRED'))?.text).toContain('expired');
  });

  it('looks into causes and into the parts of an error', () => {
    expect(connectionFault(new Error('outer', { cause: withCode('ENOTFOUND') }))?.kind).toBe('unknown-host');
    expect(connectionFault(new AggregateError([withCode('ECONNREFUSED')]))?.kind).toBe('refused');
  });

  it('knows nothing of other errors', () => {
    expect(connectionFault(withCode('62'))).toBeUndefined();
    expect(connectionFault('ENOTFOUND')).toBeUndefined();
  });
});
