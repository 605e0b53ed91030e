import { describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.ts';
import { wrapClickHouseError } from './clickhouse-error.ts';

function answer(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('wrapClickHouseError', () => {
  it.each([
    ['159', 'Timeout exceeded', 'MR_CLICKHOUSE_UNAVAILABLE'],
    ['202', 'Too many simultaneous queries', 'MR_CLICKHOUSE_UNAVAILABLE'],
    ['252', 'Too many parts (300). Merges are processing significantly slower', 'MR_CLICKHOUSE_UNAVAILABLE'],
    ['252', 'Too many partitions for single INSERT block (more than 100)', 'MR_CLICKHOUSE_QUERY_FAILED'],
    ['62', 'Syntax error', 'MR_CLICKHOUSE_QUERY_FAILED'],
    ['516', 'default: Authentication failed', 'MR_ENGINE_AUTH_FAILED'],
  ])('maps code %s (%s) to %s', (code, message, expected) => {
    const wrapped = wrapClickHouseError(answer(code, message), 'query', 'http');
    expect(wrapped).toMatchObject({
      code: expected,
      retryable: expected === 'MR_CLICKHOUSE_UNAVAILABLE',
      context: { operation: 'query', clickhouseCode: Number(code) },
    });
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT'])('takes %s as unavailable', (code) => {
    expect(wrapClickHouseError(answer(code, 'connect failed'), 'query', 'http')).toMatchObject({
      code: 'MR_CLICKHOUSE_UNAVAILABLE',
    });
  });

  it('takes a page of a proxy as unavailable and shortens it', () => {
    const wrapped = wrapClickHouseError(
      new Error(`<html>${'x'.repeat(5000)}`),
      'query',
      'http',
    ) as MillraceError;
    expect(wrapped.code).toBe('MR_CLICKHOUSE_UNAVAILABLE');
    expect(wrapped.message.length).toBeLessThan(400);
  });

  it('keeps the rows of a refused insert out of message and cause', () => {
    const refused = answer(
      '27',
      "Cannot parse input: expected ',' before: '.5,\"it's secret\"]': (at row 1)",
    );
    const wrapped = wrapClickHouseError(refused, 'insert facts', 'http') as MillraceError;
    expect(wrapped.message).toBe("ClickHouse: Cannot parse input: expected '…'");
    expect(wrapped.cause).toBeUndefined();
  });

  it('leaves bugs and our own errors as they are', () => {
    const bug = new TypeError('undefined is not a function');
    const own = new MillraceError('MR_CLICKHOUSE_UNAVAILABLE', 'closed');
    expect(wrapClickHouseError(bug, 'query', 'http')).toBe(bug);
    expect(wrapClickHouseError(own, 'query', 'http')).toBe(own);
  });

  it('takes a refusal of the binding in process as final', () => {
    expect(wrapClickHouseError(new Error('cannot bind a function'), 'query', 'in-process')).toMatchObject({
      code: 'MR_CLICKHOUSE_QUERY_FAILED',
      retryable: false,
    });
  });
});
