/** Packages from the npm registry, exactly as package-lock.json names them. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SetupError } from './preflight.mjs';

const REPORT_MS = 3000;

/** What goes without an optional package. */
const WITHOUT = {
  chdb: 'no embedded ClickHouse: set MR_CLICKHOUSE_URL',
  lmdb: 'no embedded log and online store: set MR_KAFKA_BROKERS and MR_REDIS_URL',
  '@tensorflow/tfjs-node': 'models train and score with the WebAssembly or JavaScript back end, more slowly',
};

/**
 * Whether node_modules holds what the lock file names. Contents are compared, not times: a fresh `git checkout` makes
 * the lock file younger than an installation that still fits it.
 */
export function isInstalled(root) {
  const installed = readJson(path.join(root, 'node_modules', '.package-lock.json'));
  return (
    installed !== null &&
    missingPackages(readJson(path.join(root, 'package-lock.json')), installed).length === 0
  );
}

/** Paths of packages of the lock file that are absent or of another version; optional ones may be absent. */
export function missingPackages(lock, installed) {
  return Object.keys(lock.packages).filter(function (name) {
    const wanted = lock.packages[name];
    if (name === '' || wanted.link) return false;
    const found = installed.packages[name];
    if (found === undefined) return !(wanted.optional || wanted.devOptional || wanted.peer);
    return found.version !== wanted.version || found.integrity !== wanted.integrity;
  });
}

/**
 * `npm ci`, with a line of progress every few seconds. npm lets optional packages fail without failing itself.
 * @throws SetupError MR_SETUP_INSTALL_FAILED
 */
export async function installPackages(root, say) {
  const wanted = packagesFor(readJson(path.join(root, 'package-lock.json')), process);
  const startedMs = Date.now();
  say('installing ' + wanted.length + ' packages with npm ci; the first time takes a few minutes');
  const timer = setInterval(function () {
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    const unpacked = wanted.filter(function (name) {
      return fs.existsSync(path.join(root, name, 'package.json'));
    });
    say('  ' + seconds + ' s: ' + unpacked.length + ' of ' + wanted.length + ' packages');
  }, REPORT_MS);
  try {
    const result = await runNpm(root, ['ci', '--no-audit', '--no-fund', '--loglevel=warn']);
    if (result.code !== 0) throw installError(result);
  } finally {
    clearInterval(timer);
  }
  say('  installed in ' + Math.round((Date.now() - startedMs) / 1000) + ' s');
}

/** Paths of the packages of the lock file that are for this machine. */
export function packagesFor(lock, machine) {
  const takes = function (list, value) {
    return list === undefined || list.indexOf(value) !== -1;
  };
  return Object.keys(lock.packages).filter(function (name) {
    const entry = lock.packages[name];
    return name !== '' && takes(entry.os, machine.platform) && takes(entry.cpu, machine.arch);
  });
}

/** The npm that runs this script, or the one on the PATH. */
function runNpm(root, args) {
  const npmCli = process.env.npm_execpath;
  const isNpm = npmCli !== undefined && /npm-cli\.c?js$/.test(npmCli);
  const command = isNpm ? process.execPath : 'npm';
  return new Promise(function (resolve) {
    const child = spawn(command, (isNpm ? [npmCli] : []).concat(args), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = function (part) {
      output = (output + part).slice(-20000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', function (error) {
      resolve({ code: 127, output: error.message });
    });
    child.on('close', function (code) {
      resolve({ code, output });
    });
  });
}

/** Tells an unreachable registry from other failures of npm. */
export function installError(result) {
  const isNetwork = /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EIDLETIMEOUT/.test(
    result.output,
  );
  const tail = result.output.trim().split('\n').slice(-15).join('\n');
  return new SetupError(
    'MR_SETUP_INSTALL_FAILED',
    (isNetwork ? 'The npm registry cannot be reached.' : 'npm ci ended with ' + result.code + '.') +
      '\n' +
      tail,
    isNetwork
      ? 'Check the network, the proxy and `npm config get registry`, then run the same command again.'
      : 'Read the lines above; `npm ci` shows them whole.',
  );
}

/** One line for each optional package that is not there, with what goes without it. */
export function missingOptional(root, machine) {
  const manifest = readJson(path.join(root, 'package.json'));
  const has = function (name) {
    return fs.existsSync(path.join(root, 'node_modules', name, 'package.json'));
  };
  const lines = Object.keys(manifest.optionalDependencies || {})
    .filter(function (name) {
      return !has(name);
    })
    .map(function (name) {
      return 'optional package ' + name + ' was not installed: ' + (WITHOUT[name] || 'its features are off');
    });
  const engine =
    '@chdb/lib-' + machine.platform + '-' + machine.arch + (machine.platform === 'linux' ? '-gnu' : '');
  const version = readOptional(path.join(root, 'node_modules', 'chdb', 'package.json'))[engine];
  if (version !== undefined && !has(engine))
    lines.push('the embedded ClickHouse lacks its binary: npm install --no-save ' + engine + '@' + version);
  return lines;
}

function readOptional(file) {
  const manifest = readJson(file);
  return (manifest && manifest.optionalDependencies) || {};
}

function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
}
