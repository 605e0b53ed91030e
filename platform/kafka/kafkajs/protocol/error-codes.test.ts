import { describe, expect, it } from 'vitest';
import { brokerError, errorName, FENCED } from './error-codes.ts';

describe('broker error codes', () => {
  it('names the codes that kafkajs does not know', () => {
    expect([90, 110, 120].map(errorName)).toEqual([
      'PRODUCER_FENCED',
      'FENCED_MEMBER_EPOCH',
      'TRANSACTION_ABORTABLE',
    ]);
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
