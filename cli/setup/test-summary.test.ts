import { describe, expect, it } from 'vitest';
import { closingLine, summarise } from './test-summary.mjs';

const test = (status: string, suite: string, ...failureMessages: string[]) => ({
  ...{ status, title: 't', ancestorTitles: [suite], failureMessages },
});
const report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 0,
  testResults: [
    {
      name: 'a.test.ts',
      status: 'passed',
      assertionResults: [test('passed', 'a'), test('passed', 'a'), test('passed', 'b')],
    },
    {
      name: 'b.test.ts',
      status: 'passed',
      assertionResults: [test('skipped', 'redis (skipped: none)'), test('pending', 'redis (skipped: none)')],
    },
  ],
};

describe('summarise', () => {
  it('counts, and groups what was left out by its suite', () => {
    expect(summarise(report, 0)).toEqual({
      passed: 3,
      failed: 0,
      skipped: 2,
      leftOut: ['2 x redis (skipped: none)'],
      faults: [],
    });
  });

  it('counts a file that cannot be loaded as a failure, and says why', () => {
    const file = {
      name: 'c.test.ts',
      status: 'failed',
      message: 'no such module\nat c',
      assertionResults: [],
    };
    const summary = summarise({ ...report, testResults: [...report.testResults, file] }, 1);
    expect([summary.failed, summary.faults]).toEqual([1, ['c.test.ts: no such module']]);
  });

  it('counts a failed test once, not its file as well', () => {
    const failed = test('failed', 'a', 'expected 1 to be 2\nat line 3');
    const file = { name: 'a.test.ts', status: 'failed', assertionResults: [failed, test('failed', 'b')] };
    const summary = summarise({ ...report, numFailedTests: 2, testResults: [file] }, 1);
    expect([summary.failed, summary.faults]).toEqual([
      2,
      ['a.test.ts: a > t: expected 1 to be 2', 'a.test.ts: b > t: no message'],
    ]);
  });

  it('counts an error outside of tests, and a run without a report, as a failure', () => {
    expect(summarise(report, 1)).toMatchObject({ failed: 1, faults: ['an error outside of the tests'] });
    expect(summarise(null, 0)).toMatchObject({ passed: 0, failed: 1, skipped: 0, leftOut: [] });
  });
});

it('closes with the sum', () => {
  const other = { passed: 1, failed: 2, skipped: 0, leftOut: [], faults: [] };
  expect(closingLine([summarise(report, 0), other])).toBe('4 passed, 2 failed, 2 skipped');
});
