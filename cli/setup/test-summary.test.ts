import { describe, expect, it } from 'vitest';
import { closingLine, summarise } from './test-summary.mjs';

const test = (status: string, suite: string) => ({ status, title: 't', ancestorTitles: [suite] });
const report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 0,
  testResults: [
    { status: 'passed', assertionResults: [test('passed', 'a'), test('passed', 'a'), test('passed', 'b')] },
    {
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
    });
  });

  it('counts a file that cannot be loaded as a failure', () => {
    const broken = {
      ...report,
      testResults: [...report.testResults, { status: 'failed', assertionResults: [] }],
    };
    expect(summarise(broken, 1).failed).toBe(1);
  });

  it('counts a failed test once, not its file as well', () => {
    const file = { status: 'failed', assertionResults: [test('failed', 'a')] };
    expect(summarise({ ...report, numFailedTests: 1, testResults: [file] }, 1).failed).toBe(1);
  });

  it('counts an error outside of tests, and a run without a report, as a failure', () => {
    expect(summarise(report, 1).failed).toBe(1);
    expect(summarise(null, 0)).toEqual({ passed: 0, failed: 1, skipped: 0, leftOut: [] });
  });
});

it('closes with the sum', () => {
  const other = { passed: 1, failed: 2, skipped: 0, leftOut: [] };
  expect(closingLine([summarise(report, 0), other])).toBe('4 passed, 2 failed, 2 skipped');
});
