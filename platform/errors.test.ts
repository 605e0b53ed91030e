import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import type { ErrorEntry } from './error-catalogue.ts';
import { ERROR_CATALOGUE, MillraceError, errorText, hasCode } from './errors.ts';

const entries = Object.entries<ErrorEntry>(ERROR_CATALOGUE);

describe('ERROR_CATALOGUE', () => {
  it.each(entries)('%s says what happened and what to do, in whole sentences', (code, entry) => {
    expect(code).toMatch(/^MR_(INTERNAL|[A-Z0-9]+(_[A-Z0-9]+)+)$/);
    expect(entry.what).toMatch(/^[A-Z].*\.$/s);
    expect(entry.fix).toMatch(/^\S.*[.)]$/s);
    if (entry.status !== undefined) expect(entry.status).toBeGreaterThanOrEqual(400);
    if (entry.status === 503) expect(entry.retryable).toBe(true);
  });

  it('is what docs/errors.md lists, both ways', () => {
    const text = readFileSync(join(PACKAGE_ROOT, 'docs', 'errors.md'), 'utf8');
    const documented = [...text.matchAll(/^\| `(MR_[A-Z0-9_]+)` \|/gm)].map((match) => match[1]);
    expect(documented.toSorted()).toEqual(entries.map(([code]) => code).toSorted());
  });
});

describe('MillraceError', () => {
  it('takes retryability, status and fix from the catalogue', () => {
    const error = new MillraceError('MR_KAFKA_UNAVAILABLE', 'no broker', { context: { brokers: ['a:1'] } });
    expect(error).toMatchObject({
      name: 'MillraceError',
      message: 'no broker',
      retryable: true,
      status: 503,
      fix: ERROR_CATALOGUE.MR_KAFKA_UNAVAILABLE.fix,
      context: { brokers: ['a:1'] },
    });
    expect(new MillraceError('MR_INTERNAL', 'bug').status).toBe(500);
  });

  it('may know better than the catalogue, and keeps its cause', () => {
    const cause = new Error('socket hang up');
    const error = new MillraceError('MR_KAFKA_FAILED', 'x', { cause, retryable: true });
    expect([error.retryable, error.cause]).toEqual([true, cause]);
    expect('cause' in new MillraceError('MR_KAFKA_FAILED', 'x')).toBe(false);
  });

  it('is known by its code', () => {
    const error: unknown = new MillraceError('MR_INTERNAL', 'bug');
    expect(hasCode(error, 'MR_INTERNAL')).toBe(true);
    expect(hasCode(error, 'MR_KAFKA_FAILED')).toBe(false);
    expect(hasCode({ code: 'MR_INTERNAL' }, 'MR_INTERNAL')).toBe(false);
  });
});

describe('errorText', () => {
  it.each([
    [new Error('a'), 'a'],
    ['b', 'b'],
    [undefined, 'undefined'],
    [{ toString: (): string => 'c' }, 'c'],
  ])('gives the text of %s', (thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });
});
