import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { MillraceError } from '../../platform/errors.ts';
import { defineCommand } from '../command.ts';
import { CONTRACT_SUITES, countContracts, type ContractResult, type TestReport } from './contract-suites.ts';

const REPORTS = join(PACKAGE_ROOT, 'node_modules', '.cache', 'millrace-tests');
const PROJECTS = ['embedded', 'integration'];

/** Runs the contract suites alone as `npm test` would, with the servers that this machine has. */
async function runSuites(): Promise<readonly TestReport[]> {
  if (!existsSync(join(PACKAGE_ROOT, 'node_modules', 'vitest')))
    throw new MillraceError('MR_SETUP_INSTALL_FAILED', 'the contract suites need the development packages');
  const files = CONTRACT_SUITES.map(({ file }) => file);
  const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'cli', 'setup', 'test.mjs'), ...files], {
    cwd: PACKAGE_ROOT,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  await once(child, 'close'); // a failed test shows in the reports
  return PROJECTS.map((project) => join(REPORTS, `${project}.json`))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as TestReport);
}

function lines({ failed, skipped, ...ports }: ContractResult): readonly string[] {
  const rows = Object.entries(ports).flatMap(([port, engines]) =>
    Object.entries(engines).map(
      ([engine, passed]) => `${port.padEnd(12)} ${engine.padEnd(10)} ${passed} passed`,
    ),
  );
  return [...rows, `${failed} failed, ${skipped} skipped`];
}

export const contractsCommand = defineCommand({
  usage: '[--json]',
  details:
    'Runs, for each port, the one contract suite on every engine behind it: real servers and embedded ones. Servers that\n' +
    'this machine has are started for it and ended again; what is missing is counted as skipped.',
  options: { json: { type: 'boolean', about: 'one line of JSON instead of the table' } },
  positionals: { min: 0, max: 0 },
  examples: [['contracts --json', 'how many tests each engine passes']],
  async run({ options, print }) {
    const result = countContracts(await runSuites());
    if (options.json) print(JSON.stringify(result));
    else for (const line of lines(result)) print(line);
    return result.failed === 0 ? 0 : 1;
  },
});
