/** Compiles the sources into dist/ when they have changed. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SetupError } from './preflight.mjs';

const STAMP = path.join('dist', '.build.json');
/** A change of any of these makes the whole output stale. */
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** Paths of all sources that the build reads, relative to the root, in a fixed order. */
export function listSources(root) {
  const folders = JSON.parse(fs.readFileSync(path.join(root, 'tsconfig.json'), 'utf8')).include;
  const found = [];
  for (const folder of folders) walk(root, folder, found);
  return found.sort();
}

function walk(root, relative, found) {
  const absolute = path.join(root, relative);
  if (!fs.existsSync(absolute)) return;
  if (!fs.statSync(absolute).isDirectory()) return;
  for (const entry of fs.readdirSync(absolute, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.charAt(0) === '.') continue;
    const child = path.join(relative, entry.name);
    if (entry.isDirectory()) walk(root, child, found);
    else if (/\.(ts|mts|json)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name)) found.push(child);
  }
}

/** True where the last build succeeded and no source has been added, removed or changed since. */
export function isBuilt(root) {
  const stamp = readStamp(root);
  if (stamp === null) return false;
  const sources = listSources(root);
  if (sources.join('\n') !== stamp.sources.join('\n')) return false;
  return sources.concat(SETTINGS).every(function (source) {
    return fs.statSync(path.join(root, source)).mtimeMs <= stamp.startedMs;
  });
}

function readStamp(root) {
  const file = path.join(root, STAMP);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
}

/**
 * Compiles incrementally; from scratch where a source has gone, so that no output of it stays behind.
 * @throws SetupError MR_SETUP_BUILD_FAILED with what the compiler says
 */
export function build(root, say) {
  const startedMs = Date.now();
  const sources = listSources(root);
  const earlier = readStamp(root);
  const hasGone = function (source) {
    return sources.indexOf(source) === -1;
  };
  if (earlier === null || earlier.sources.some(hasGone))
    fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  fs.rmSync(path.join(root, STAMP), { force: true });
  say('compiling');
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) {
    const lines = (result.stdout + result.stderr).trim().split('\n');
    throw new SetupError(
      'MR_SETUP_BUILD_FAILED',
      'The sources do not compile.\n' + lines.slice(0, 30).join('\n'),
      'Correct them; `npm run build` lists every fault.',
    );
  }
  fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
  fs.writeFileSync(path.join(root, STAMP), JSON.stringify({ startedMs, sources }));
  say('  compiled in ' + ((Date.now() - startedMs) / 1000).toFixed(1) + ' s');
}
