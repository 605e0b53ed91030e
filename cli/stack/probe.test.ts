import { expect, it } from 'vitest';
import { apiVersionsRequest, isApiVersionsAnswer } from './probe.ts';

it('asks for ApiVersions v0 with the right size', () => {
  const request = apiVersionsRequest();
  expect(request.readInt32BE(0)).toBe(request.length - 4);
  expect([request.readInt16BE(4), request.readInt16BE(6)]).toEqual([18, 0]);
});

it('takes an answer to its own request without an error, whole', () => {
  const answer = Buffer.alloc(14);
  answer.writeInt32BE(10, 0);
  answer.writeInt32BE(apiVersionsRequest().readInt32BE(8), 4);
  expect(isApiVersionsAnswer(answer)).toBe(true);
  expect(isApiVersionsAnswer(answer.subarray(0, 8))).toBeUndefined();
  answer.writeInt16BE(35, 8);
  expect(isApiVersionsAnswer(answer)).toBe(false);
  expect(isApiVersionsAnswer(Buffer.from('HTTP/1.1 400 Bad Request'))).toBe(false);
});
