import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { CONTRACT_SUITES, countContracts, type ContractSuite, type TestReport } from './contract-suites.ts';

const SUITES: readonly ContractSuite[] = [
  { port: 'kafka', engine: 'real', file: 'a/real.test.ts' },
  { port: 'kafka', engine: 'embedded', file: 'a/embedded.test.ts' },
];

function report(file: string, tests: readonly (readonly [title: string, status: string])[]): TestReport {
  const assertionResults = tests.map(([title, status]) => ({ status, ancestorTitles: ['outer', title] }));
  const status = tests.some(([, how]) => how === 'failed') ? 'failed' : 'passed';
  return { testResults: [{ name: `/checkout/${file}`, status, assertionResults }] };
}

describe('countContracts', () => {
  it('counts what passed in contract suites, by engine', () => {
    const reports = [
      report('a/real.test.ts', [
        ['Kafka port: real', 'passed'],
        ['Kafka port: real', 'passed'],
        ['something else', 'passed'],
        ['Kafka port: real', 'pending'],
      ]),
      report('a/embedded.test.ts', [
        ['Kafka port: embedded', 'passed'],
        ['Kafka port: embedded', 'failed'],
      ]),
    ];
    expect(countContracts(reports, SUITES)).toMatchObject({
      kafka: { real: 2, embedded: 1 },
      failed: 1,
      skipped: 1,
    });
  });

  it('takes a suite that did not run for a failure', () => {
    const one = [report('a/real.test.ts', [['Kafka port: real', 'passed']])];
    expect(countContracts(one, SUITES).failed).toBe(1);
    expect(countContracts([], SUITES).failed).toBe(2);
  });

  it.each(CONTRACT_SUITES)('$port on $engine: the file is there and runs a contract', ({ file }) => {
    const path = join(PACKAGE_ROOT, file);
    expect(existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toMatch(/[a-z]Contract\(/);
  });
});
