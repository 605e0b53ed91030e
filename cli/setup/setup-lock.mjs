/** One installation or build at a time in a checkout. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SetupError } from './preflight.mjs';

const POLL_MS = 200;
const WAIT_MS = 15 * 60 * 1000;

/**
 * Runs `work` while this process holds `<folder>/setup.lock`; waits for another holder and takes the lock over from a
 * process that has ended.
 * @throws SetupError MR_SETUP_BUSY after 15 minutes
 */
export async function withSetupLock(folder, say, work) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'setup.lock');
  const startedMs = Date.now();
  let told = false;
  while (!tryLock(file)) {
    const holder = readHolder(file);
    if (holder !== null && !isAlive(holder)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    if (Date.now() - startedMs > WAIT_MS) {
      throw new SetupError(
        'MR_SETUP_BUSY',
        'Process ' + holder + ' has held ' + file + ' for more than 15 minutes.',
        'Wait for it, or end it and delete the file.',
      );
    }
    if (!told) say('waiting for process ' + holder + ', which installs or builds in this checkout');
    told = true;
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** The lock appears with its content in one step (link(2)), so that a reader never sees an empty one. */
function tryLock(file) {
  const own = file + '.' + process.pid;
  fs.writeFileSync(own, String(process.pid));
  try {
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function readHolder(file) {
  try {
    return Number(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return null; // Released a moment ago.
  }
}

/** Signal 0 asks whether the process is there; EPERM says it is, and someone else's. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function sleep(ms) {
  return new Promise(function (resolve) {
    setTimeout(resolve, ms);
  });
}
