/**
 * `npm test [filter…]`: prepares the checkout, starts the real servers that are there, runs every vitest project, and
 * closes with `N passed, N failed, N skipped`. With CI set, a missing service is a failure.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { prepare, ROOT, runSetup, toStderr } from './prepare.mjs';
import { startTestServices } from './test-services.mjs';
import { closingLine, summarise } from './test-summary.mjs';

const PROJECTS = ['unit', 'embedded', 'integration'];
const REPORTS = path.join(ROOT, 'node_modules', '.cache', 'millrace-tests');

/** The user's own MR_ settings must not reach the tests. */
function testEnvironment(extra) {
  const kept = Object.keys(process.env).filter(function (name) {
    return name.indexOf('MR_') !== 0 || name.indexOf('MR_TEST_') === 0;
  });
  const environment = {};
  for (const name of kept) environment[name] = process.env[name];
  return Object.assign(environment, extra);
}

const KILL_AFTER_MS = 5000;
/** The vitest that runs now, if one does. */
let running = null;
let interrupted = false;

function runProject(project, filters, environment) {
  const reportFile = path.join(REPORTS, project + '.json');
  fs.rmSync(reportFile, { force: true });
  const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--project',
    project,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
  ];
  args.push('--outputFile.json=' + reportFile);
  return new Promise(function (resolve, reject) {
    const child = spawn(process.execPath, args.concat(filters), {
      cwd: ROOT,
      stdio: 'inherit',
      env: environment,
    });
    running = child;
    child.on('error', reject);
    child.on('close', function (code) {
      running = null;
      const report = fs.existsSync(reportFile) ? JSON.parse(fs.readFileSync(reportFile, 'utf8')) : null;
      resolve(summarise(report, code));
    });
  });
}

async function runProjects(services) {
  const environment = testEnvironment(services.environment);
  const summaries = [];
  for (const project of PROJECTS) {
    if (interrupted) break;
    process.stdout.write('\n== ' + project + '\n');
    summaries.push(await runProject(project, process.argv.slice(2), environment));
  }
  return summaries;
}

/** Interrupted tests still stop their servers, after vitest has ended: it might start more of them. */
function onInterrupt(stop) {
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.once(name, function () {
      interrupted = true;
      endRunning()
        .then(stop)
        .catch(function (error) {
          toStderr(String(error));
        })
        .then(function () {
          process.exit(130);
        });
    });
  }
}

function endRunning() {
  const child = running;
  if (child === null) return Promise.resolve();
  return new Promise(function (resolve) {
    const timer = setTimeout(function () {
      child.kill('SIGKILL');
    }, KILL_AFTER_MS);
    child.on('close', function () {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

runSetup(async function () {
  await prepare({ root: ROOT, say: toStderr, needsEngine: false });
  fs.mkdirSync(REPORTS, { recursive: true });
  const services = await startTestServices(ROOT, process.env, toStderr, onInterrupt);
  let summaries;
  try {
    summaries = await runProjects(services);
  } finally {
    // After an interruption the handler of the signal stops them and ends this process.
    if (interrupted) await new Promise(function () {});
    await services.stop();
  }
  const isCi = Boolean(process.env.CI);
  const lines = services.missing.map(function (line) {
    return (isCi ? 'FAILED, missing in CI: ' : 'left out: ') + line;
  });
  for (const summary of summaries) for (const group of summary.leftOut) lines.push('skipped: ' + group);
  for (const summary of summaries) for (const fault of summary.faults) lines.push('FAILED: ' + fault);
  if (isCi)
    summaries.push({ passed: 0, failed: services.missing.length, skipped: 0, leftOut: [], faults: [] });
  process.stdout.write('\n' + lines.concat(closingLine(summaries)).join('\n') + '\n');
  const hasFailed = summaries.some(function (summary) {
    return summary.failed > 0;
  });
  const hasRun = summaries.some(function (summary) {
    return summary.passed > 0;
  });
  process.exitCode = hasFailed || !hasRun ? 1 : 0;
});
