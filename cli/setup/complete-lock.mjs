/**
 * `node cli/setup/complete-lock.mjs`: adds to package-lock.json the binaries of other platforms that the registry at
 * hand did not offer when the file was written (mirrors often hold one platform). Without those lines `npm ci` refuses
 * the file on every machine. Run it after `npm install` has changed the lock file; a test holds the file complete.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './prepare.mjs';

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'wasm32'];

/** os, cpu and libc as the names of platform packages tell them: `@x/binding-linux-arm64-musl`. */
export function platformOf(name) {
  const words = name.split(/[/_-]/);
  const pick = function (known) {
    return known.filter(function (word) {
      return words.indexOf(word) !== -1;
    });
  };
  const libc = /musl/.test(name) ? ['musl'] : /gnu/.test(name) ? ['glibc'] : [];
  return { os: pick(SYSTEMS), cpu: pick(PROCESSORS), libc };
}

/** [path of the parent, name, version] of each optional dependency that the lock file does not hold. */
export function absentOptional(lock) {
  const absent = [];
  for (const parent of Object.keys(lock.packages)) {
    const optional = lock.packages[parent].optionalDependencies || {};
    for (const name of Object.keys(optional)) {
      if (!isHeld(lock, parent, name)) absent.push([parent, name, optional[name]]);
    }
  }
  return absent;
}

/** Looks where Node.js would: beside the parent's own packages, then outwards. */
function isHeld(lock, parent, name) {
  for (
    let folder = parent;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))
  ) {
    if (lock.packages[(folder === '' ? '' : folder + '/') + 'node_modules/' + name]) return true;
    if (folder === '') return false;
  }
}

/** The lock file with a line for each absent binary; those of exact versions only, since nothing else can be pinned. */
export function completeLock(lock) {
  const packages = Object.assign({}, lock.packages);
  for (const item of absentOptional(lock)) {
    const [parent, name, version] = item;
    const platform = platformOf(name);
    if (!/^\d+\.\d+\.\d+/.test(version) || platform.os.length === 0) continue;
    packages['node_modules/' + name] = Object.assign(
      { version, cpu: platform.cpu },
      lock.packages[parent].dev ? { dev: true } : {},
      platform.libc.length > 0 ? { libc: platform.libc } : {},
      { optional: true, os: platform.os },
    );
  }
  const sorted = {};
  for (const key of Object.keys(packages).sort(compareNames)) sorted[key] = packages[key];
  return Object.assign({}, lock, { packages: sorted });
}

/** npm's own order. */
function compareNames(a, b) {
  return a.localeCompare(b, 'en');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = path.join(ROOT, 'package-lock.json');
  const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
  fs.writeFileSync(file, JSON.stringify(completeLock(lock), null, 2) + '\n');
}
