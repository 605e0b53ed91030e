/** Finds or starts the real servers that integration tests use. Never installs or downloads anything. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Names for the reader, and the variable that says where a server is already. */
const SERVERS = {
  kafka: { title: 'Kafka', variable: 'MR_TEST_KAFKA_BROKERS' },
  redis: { title: 'Redis', variable: 'MR_TEST_REDIS_URL' },
  postgres: { title: 'PostgreSQL', variable: 'MR_TEST_POSTGRES_URL' },
  clickhouse: { title: 'ClickHouse', variable: 'MR_TEST_CLICKHOUSE_URL' },
};

/** Settings of the stack, and the variables under which tests are given them. */
const TEST_VARIABLES = {
  MR_KAFKA_BROKERS: 'MR_TEST_KAFKA_BROKERS',
  MR_REDIS_URL: 'MR_TEST_REDIS_URL',
  MR_POSTGRES_URL: 'MR_TEST_POSTGRES_URL',
  MR_CLICKHOUSE_URL: 'MR_TEST_CLICKHOUSE_URL',
  MR_CLICKHOUSE_USER: 'MR_TEST_CLICKHOUSE_USER',
  MR_CLICKHOUSE_PASSWORD: 'MR_TEST_CLICKHOUSE_PASSWORD',
};

/** Kinds of servers that the environment does not name. */
export function unnamedServers(environment) {
  return Object.keys(SERVERS).filter((kind) => !environment[SERVERS[kind].variable]);
}

/** Variables for the tests out of the settings of a stack. */
export function testVariables(settings) {
  const variables = {};
  for (const [setting, variable] of Object.entries(TEST_VARIABLES))
    if (settings[setting]) variables[variable] = settings[setting];
  return variables;
}

/**
 * @param root of the checkout, already built
 * @param environment where MR_TEST_KAFKA_BROKERS, MR_TEST_REDIS_URL, MR_TEST_POSTGRES_URL, MR_TEST_CLICKHOUSE_URL and
 * MR_TEST_CHROMIUM name what is there already
 * @param beforeStart told how to stop everything before anything starts, for an interruption during the start
 * @returns { environment, missing, stop } `missing` has a line for each service that cannot be had; `stop` ends the
 * servers, those that interrupted tests have left behind as well, and deletes every temporary folder of the run
 */
export async function startTestServices(root, environment, say, beforeStart) {
  const load = function (file) {
    return import(pathToFileURL(path.join(root, 'dist', 'cli', 'stack', file)).href);
  };
  const found = {};
  const { services, missing } = await startable(load, path.join(root, '.cache'), unnamedServers(environment));
  const chromium = environment.MR_TEST_CHROMIUM || findProgram(CHROMIUM_NAMES, environment.PATH);
  if (chromium) found.MR_TEST_CHROMIUM = chromium;
  else missing.push('Chromium: none on the PATH');
  const stack = await load('stack.js');
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'));
  // Tests that give up root still find their way to the folders that they are given.
  fs.chmodSync(dir, 0o711);
  found.TMPDIR = path.join(dir, 'tmp');
  fs.mkdirSync(found.TMPDIR);
  const stop = function () {
    return stopAll(stack, dir);
  };
  beforeStart(stop);
  if (services.length > 0) {
    say('starting ' + services.join(', ') + ' for the integration tests');
    try {
      const started = await startWhatCan(function (kinds) {
        return stack.stackUp({ dir, services: kinds, anyPorts: true });
      }, services);
      Object.assign(found, testVariables(started.settings));
      missing.push(...started.missing);
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return { environment: found, missing, stop };
}

/**
 * Starts the servers together; where that fails for a reason that the stack knows, one by one, so that a server that
 * cannot start on this machine is named and the others run.
 */
export async function startWhatCan(up, kinds) {
  try {
    return { settings: (await up(kinds)).settings, missing: [] };
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
  const settings = {};
  const missing = [];
  for (const kind of kinds) {
    try {
      Object.assign(settings, (await up([kind])).settings);
    } catch (error) {
      if (!isExpected(error)) throw error;
      missing.push(SERVERS[kind].title + ': ' + error.message.split('\n')[0]);
    }
  }
  return { settings, missing };
}

function isExpected(error) {
  return error instanceof Error && typeof error.code === 'string' && error.code.startsWith('MR_');
}

/** Which of these servers the machine can run as it is, and a line for each of the others. */
async function startable(load, cacheDir, kinds) {
  const { availableServices } = await load('services.js');
  const { kafkaJarsCached } = await load('kafka-jars.js');
  const available = await availableServices(cacheDir);
  const reasons = {};
  for (const { service, reason } of available.leftOut) reasons[service] = reason;
  // Tests never download anything.
  if (!reasons.kafka && !kafkaJarsCached(cacheDir))
    reasons.kafka = 'not downloaded yet (`npm run -s millrace -- stack up` does that)';
  return {
    services: kinds.filter((kind) => !reasons[kind]),
    missing: kinds.filter((kind) => reasons[kind]).map((kind) => SERVERS[kind].title + ': ' + reasons[kind]),
  };
}

/** Ends the stack in the folder and any that a test has started below its TMPDIR and could not end. */
async function stopAll(stack, dir) {
  const temporary = path.join(dir, 'tmp');
  const folders = [dir];
  for (const name of fs.existsSync(temporary) ? fs.readdirSync(temporary) : [])
    folders.push(path.join(temporary, name), path.join(temporary, name, 'stack'));
  for (const folder of folders)
    if (fs.existsSync(path.join(folder, 'state.json'))) await stack.stackDown({ dir: folder, wipe: true });
  fs.rmSync(dir, { recursive: true, force: true });
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
