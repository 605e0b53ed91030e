/** Finds or starts the real servers that integration tests use. Never installs or downloads anything. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * @param root of the checkout, already built
 * @param environment where MR_TEST_KAFKA_BROKERS, MR_TEST_REDIS_URL and MR_TEST_CHROMIUM name what is there already
 * @param beforeStart told how to stop everything before anything starts, for an interruption during the start
 * @returns { environment, missing, stop } `missing` has a line for each service that cannot be had; `stop` ends the
 * servers, those that interrupted tests have left behind as well, and deletes every temporary folder of the run
 */
export async function startTestServices(root, environment, say, beforeStart) {
  const load = function (file) {
    return import(pathToFileURL(path.join(root, 'dist', 'cli', 'stack', file)).href);
  };
  const jars = await load('kafka-jars.js');
  const redis = await load('redis-server.js');
  const found = {};
  const missing = [];
  const services = [];
  if (!environment.MR_TEST_KAFKA_BROKERS) {
    const why = await kafkaMissing(jars, path.join(root, '.cache'));
    if (why === null) services.push('kafka');
    else missing.push('Kafka: ' + why);
  }
  if (!environment.MR_TEST_REDIS_URL) {
    if (await redis.redisInstalled()) services.push('redis');
    else missing.push('Redis: no redis-server on the PATH');
  }
  const chromium = environment.MR_TEST_CHROMIUM || findProgram(CHROMIUM_NAMES, environment.PATH);
  if (chromium) found.MR_TEST_CHROMIUM = chromium;
  else missing.push('Chromium: none on the PATH');
  const stack = await load('stack.js');
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'));
  found.TMPDIR = path.join(dir, 'tmp');
  fs.mkdirSync(found.TMPDIR);
  const stop = function () {
    return stopAll(stack, dir);
  };
  beforeStart(stop);
  if (services.length > 0) {
    say('starting ' + services.join(' and ') + ' for the integration tests');
    try {
      const endpoints = await stack.stackUp({ dir, services, anyPorts: true });
      if (endpoints.brokers) found.MR_TEST_KAFKA_BROKERS = endpoints.brokers;
      if (endpoints.redisUrl) found.MR_TEST_REDIS_URL = endpoints.redisUrl;
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return { environment: found, missing, stop };
}

/** Ends the stack in the folder and any that a test has started below its TMPDIR and could not end. */
async function stopAll(stack, dir) {
  const temporary = path.join(dir, 'tmp');
  const folders = fs.existsSync(temporary) ? fs.readdirSync(temporary) : [];
  for (const folder of [dir].concat(folders.map((name) => path.join(temporary, name)))) {
    if (fs.existsSync(path.join(folder, 'state.json'))) await stack.stackDown({ dir: folder });
  }
  fs.rmSync(dir, { recursive: true, force: true });
}

async function kafkaMissing(jars, cacheDir) {
  const java = await jars.installedJava();
  if (java === undefined || java < 17) return 'no Java 17 on the PATH';
  if (!jars.kafkaJarsCached(cacheDir))
    return 'not downloaded yet (`npm run -s millrace -- stack up` does that)';
  return null;
}

/** Path of the first of these programs on the PATH. */
export function findProgram(names, searchPath) {
  for (const folder of (searchPath || '').split(path.delimiter)) {
    for (const name of names) {
      const file = path.join(folder, name);
      if (folder !== '' && fs.existsSync(file)) return file;
    }
  }
  return undefined;
}
