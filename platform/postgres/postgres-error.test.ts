import { describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.ts';
import { breaksConnection, isRepeatable, wrapPostgresError } from './postgres-error.ts';

/** As both clients throw them. */
function refusal(code: string, message = 'no', fields: Record<string, string> = {}): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', code, ...fields });
}
const wrap = (error: unknown) => wrapPostgresError(error, 'query') as MillraceError;

describe('errors of PostgreSQL', () => {
  it.each([
    ['08006', 'MR_POSTGRES_UNAVAILABLE'],
    ['53300', 'MR_POSTGRES_UNAVAILABLE'],
    ['57014', 'MR_POSTGRES_UNAVAILABLE'],
    ['57P01', 'MR_POSTGRES_UNAVAILABLE'],
    ['57P03', 'MR_POSTGRES_UNAVAILABLE'],
    ['25006', 'MR_POSTGRES_UNAVAILABLE'],
    ['40001', 'MR_POSTGRES_CONTENTION'],
    ['40P01', 'MR_POSTGRES_CONTENTION'],
    ['55P03', 'MR_POSTGRES_CONTENTION'],
    ['23505', 'MR_POSTGRES_CONFLICT'],
    ['23P01', 'MR_POSTGRES_CONFLICT'],
    ['23503', 'MR_POSTGRES_QUERY_FAILED'],
    ['42P01', 'MR_POSTGRES_QUERY_FAILED'],
    ['28P01', 'MR_ENGINE_AUTH_FAILED'],
    ['28000', 'MR_ENGINE_AUTH_FAILED'],
  ])('gives %s the code %s', (sqlState, code) => {
    expect(wrap(refusal(sqlState))).toMatchObject({ code, context: { sqlState, operation: 'query' } });
  });

  it('takes a server that asks for TLS for what it is', () => {
    const error = refusal(
      '28000',
      'no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption',
    );
    expect(wrap(error).code).toBe('MR_ENGINE_TLS_FAILED');
  });

  it('keeps details, parameters and quoted values out', () => {
    const error = refusal('22P02', 'invalid input syntax for type integer: "secret "quoted" 4242"', {
      detail: 'Key (email)=(secret) exists',
      where: "unnamed portal parameter $1 = 'secret'",
      params: 'secret',
    });
    const wrapped = wrap(error);
    expect(wrapped.message).toBe('PostgreSQL: invalid input syntax for type integer: "…"');
    expect(wrapped.cause).toBeUndefined();
    expect(JSON.stringify(wrapped)).not.toContain('secret');
  });

  it('repeats deadlocks and serialization failures, not a lock that was not to be had', () => {
    expect(isRepeatable(wrap(refusal('40001')))).toBe(true);
    expect(isRepeatable(wrap(refusal('40P01')))).toBe(true);
    expect(isRepeatable(wrap(refusal('55P03')))).toBe(false);
    expect(isRepeatable(refusal('40001'))).toBe(false);
  });

  it('gives a connection up after a fatal error, a lost socket and a standby, not after a refusal or a bug', () => {
    expect(breaksConnection(refusal('57P01', 'bye', { severity: 'FATAL' }))).toBe(true);
    expect(breaksConnection(refusal('25006'))).toBe(true);
    expect(breaksConnection(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(breaksConnection(refusal('23505'))).toBe(false);
    expect(breaksConnection(new TypeError('bug'))).toBe(false);
  });

  it('leaves bugs and errors of ours as they are', () => {
    const bug = new TypeError('bug');
    expect(wrapPostgresError(bug, 'query')).toBe(bug);
    const ours = new MillraceError('MR_INTERNAL', 'ours');
    expect(wrapPostgresError(ours, 'query')).toBe(ours);
  });
});
