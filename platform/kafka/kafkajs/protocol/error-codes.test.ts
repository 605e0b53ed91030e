import { describe, expect, it } from 'vitest';
import { brokerError, errorName, FENCED } from './error-codes.ts';

describe('broker error codes', () => {
  it('names the codes above 88, which kafkajs calls KAFKAJS_UNKNOWN_ERROR_CODE', () => {
    expect([89, 90, 98, 110, 120, 133, 136].map(errorName)).toEqual([
      'THROTTLING_QUOTA_EXCEEDED',
      'PRODUCER_FENCED',
      'SNAPSHOT_NOT_FOUND',
      'FENCED_MEMBER_EPOCH',
      'TRANSACTION_ABORTABLE',
      'SHARE_SESSION_LIMIT_REACHED',
      'CONTROLLER_ID_NOT_REGISTERED',
    ]);
  });

  it('has a name of its own for every code up to the newest', () => {
    const names = Array.from({ length: 136 }, (_, i) => errorName(i + 1));
    expect(names.filter((name) => name.startsWith('BROKER_ERROR'))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('keeps the number of a code that no version had yet', () => {
    expect(errorName(999)).toBe('BROKER_ERROR_999');
  });

  it('takes both codes of an older epoch for a fence', () => {
    expect([...FENCED].map(errorName)).toEqual(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);
  });

  it('puts the name into the context of the error', () => {
    const error = brokerError(10, 'append records', { code: 'MR_KAFKA_PRODUCE_FAILED', retryable: false });
    expect(error).toMatchObject({ retryable: false, context: { brokerError: 'MESSAGE_TOO_LARGE' } });
  });
});
