/**
 * What must be true of the machine before anything is installed. No dependencies, and syntax that old versions of
 * Node.js can parse, so that they end in a clear sentence and not in a SyntaxError.
 */
import * as fs from 'node:fs';

export const OLDEST_NODE = '20.19.0';
const GIB = 1024 * 1024 * 1024;
/** Packages, the engines' binaries and the build together, with some air. */
export const FIRST_INSTALL_BYTES = 3 * GIB;

/** Where the embedded ClickHouse (chdb) has a binary: platform-arch; Linux needs glibc. */
const CHDB_BINARIES = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** An expected failure of the set-up, with a stable code of docs/errors.md and what to do about it. */
export class SetupError extends Error {
  constructor(code, message, fix) {
    super(message);
    this.name = 'SetupError';
    this.code = code;
    this.fix = fix;
  }
}

/** Compares versions such as 20.19.0; negative where `a` is older. A pre-release counts as its release. */
export function compareVersions(a, b) {
  const left = String(a).replace(/^v/, '').split(/[.-]/).map(Number);
  const right = String(b).replace(/^v/, '').split(/[.-]/).map(Number);
  for (let part = 0; part < 3; part++) {
    const difference = (left[part] || 0) - (right[part] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @returns a SetupError, or null where the version will do. */
export function checkNode(version) {
  if (compareVersions(version, OLDEST_NODE) >= 0) return null;
  return new SetupError(
    'MR_NODE_TOO_OLD',
    'Millrace needs Node.js ' + OLDEST_NODE + ' or newer; this is ' + version + '.',
    'Install a newer Node.js (https://nodejs.org, nvm, fnm or your package manager) and run the same command again.',
  );
}

/**
 * Whether the embedded ClickHouse runs here. It is no fault where a real server is set.
 * @param machine { platform, arch, isGlibc, clickhouseUrl }
 */
export function checkEngine(machine) {
  if (machine.clickhouseUrl) return null;
  const name = machine.platform + '-' + machine.arch;
  const hasBinary = CHDB_BINARIES.indexOf(name) !== -1;
  if (hasBinary && (machine.platform !== 'linux' || machine.isGlibc)) return null;
  const where = hasBinary ? name + ' with musl (it needs glibc)' : name;
  return new SetupError(
    'MR_EMBEDDED_UNAVAILABLE',
    'The embedded ClickHouse engine (chdb) has no binary for ' + where + '.',
    'Set MR_CLICKHOUSE_URL to a ClickHouse server (docker-compose.yml has one), or use Linux with glibc or macOS.',
  );
}

/** @param disk { freeBytes } free space where node_modules will be; null where it cannot be told. */
export function checkDisk(disk) {
  if (disk.freeBytes === null || disk.freeBytes >= FIRST_INSTALL_BYTES) return null;
  return new SetupError(
    'MR_DISK_TOO_SMALL',
    'The first installation needs ' +
      gib(FIRST_INSTALL_BYTES) +
      ' of free disk; there is ' +
      gib(disk.freeBytes) +
      '.',
    'Free some space, or put the checkout on a larger disk.',
  );
}

function gib(bytes) {
  return (bytes / GIB).toFixed(1) + ' GiB';
}

/** The machine that this process runs on. `process.report` is slow, so ask only before an installation. */
export function readMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    isGlibc: process.platform === 'linux' && hasGlibc(),
    clickhouseUrl: process.env.MR_CLICKHOUSE_URL || '',
  };
}

function hasGlibc() {
  process.report.excludeNetwork = true;
  return Boolean(process.report.getReport().header.glibcVersionRuntime);
}

/** Free bytes that an ordinary user may use in the folder; null where Node.js cannot tell. */
export function freeBytes(folder) {
  if (typeof fs.statfsSync !== 'function') return null;
  const disk = fs.statfsSync(folder);
  return disk.bavail * disk.bsize;
}
