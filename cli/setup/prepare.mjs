/**
 * Brings a checkout to where it can run: packages installed as package-lock.json says, sources compiled into dist/.
 * Does nothing, in a fraction of a second, when both are up to date. No dependencies.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, isBuilt } from './build.mjs';
import { installPackages, isInstalled, missingOptional } from './install.mjs';
import { checkDisk, checkEngine, checkNode, freeBytes, readMachine, SetupError } from './preflight.mjs';
import { withSetupLock } from './setup-lock.mjs';

/** Folder of package.json. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * @param options { root, say, needsEngine } `say` takes lines for the reader; with `needsEngine` a machine without the
 * embedded ClickHouse is a failure and not a remark.
 * @throws SetupError
 */
export async function prepare(options) {
  const root = options.root;
  const tooOld = checkNode(process.versions.node);
  if (tooOld !== null) throw tooOld;
  if (!isUpToDate(root)) {
    await withSetupLock(path.join(root, '.cache'), options.say, function () {
      return bringUpToDate(root, options);
    });
  }
  if (options.needsEngine) {
    const fault = checkEngine(readMachine());
    if (fault !== null) throw fault;
  }
}

function isUpToDate(root) {
  return isInstalled(root) && isBuilt(root);
}

async function bringUpToDate(root, options) {
  // Another process may have done it while this one waited for the lock.
  if (!isInstalled(root)) {
    if (!fs.existsSync(path.join(root, 'node_modules'))) {
      const full = checkDisk({ freeBytes: freeBytes(root) });
      if (full !== null) throw full;
    }
    const machine = readMachine();
    const noEngine = checkEngine(machine);
    if (noEngine !== null && options.needsEngine) throw noEngine;
    if (noEngine !== null) options.say(noEngine.code + ': ' + noEngine.message + ' ' + noEngine.fix);
    await installPackages(root, options.say);
    for (const line of missingOptional(root, machine)) options.say(line);
  }
  if (!isBuilt(root)) await build(root, options.say);
}

/** Writes a line to stderr. */
export function toStderr(line) {
  process.stderr.write(line + '\n');
}

/** Runs the compiled command line in this process, as if it had been called with these arguments. */
export async function runCompiled(root, args) {
  process.argv = [process.argv[0], process.argv[1]].concat(args);
  await import(pathToFileURL(path.join(root, 'dist', 'cli', 'main.js')).href);
}

/** Runs `work`; an expected failure ends with exit code 1 and what to do, any other with its stack and 70. */
export function runSetup(work) {
  work().catch(function (error) {
    if (error instanceof SetupError) {
      toStderr(error.code + ': ' + error.message);
      toStderr('  fix: ' + error.fix);
      process.exitCode = 1;
    } else {
      toStderr(error && error.stack ? error.stack : String(error));
      process.exitCode = 70;
    }
  });
}
