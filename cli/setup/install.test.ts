import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { installError, isInstalled, missingOptional, missingPackages, packagesFor } from './install.mjs';

const installed = {
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true },
};
const lock = { packages: { '': { version: '0.1.0' }, ...installed } };

describe('missingPackages', () => {
  it('finds nothing where all is there, and lets optional packages be absent', () => {
    expect(missingPackages(lock, { packages: installed })).toEqual([]);
    expect(missingPackages(lock, { packages: { 'node_modules/a': installed['node_modules/a'] } })).toEqual(
      [],
    );
  });

  it.each([
    [{ version: '1.0.1', integrity: 'sha512-a' }],
    [{ version: '1.0.0', integrity: 'sha512-other' }],
    [undefined],
  ])('finds a package that is %j', (entry) => {
    const packages = entry === undefined ? {} : { 'node_modules/a': entry };
    expect(missingPackages(lock, { packages })).toEqual(['node_modules/a']);
  });
});

it('asks for an installation where there are no packages, and not again afterwards', async () => {
  const root = await temporaryDir();
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
  expect(isInstalled(root)).toBe(false);
  await mkdir(join(root, 'node_modules'));
  await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  expect(isInstalled(root)).toBe(true);
});

it('counts the packages of this platform alone', () => {
  const packages = {
    '': {},
    'node_modules/a': {},
    'node_modules/a-linux-x64': { os: ['linux'], cpu: ['x64'] },
    'node_modules/a-linux-arm64': { os: ['linux'], cpu: ['arm64'] },
    'node_modules/a-darwin': { os: ['darwin'] },
  };
  const machine = { platform: 'linux', arch: 'x64' };
  expect(packagesFor({ packages }, machine)).toEqual(['node_modules/a', 'node_modules/a-linux-x64']);
});

describe('installError', () => {
  it('tells an unreachable registry from other failures', () => {
    const offline = installError({ code: 1, output: 'npm error code ENOTFOUND\nnpm error network' });
    expect(offline.code).toBe('MR_SETUP_INSTALL_FAILED');
    expect(offline.message).toContain('The npm registry cannot be reached');
    expect(installError({ code: 7, output: 'npm error code EUSAGE' }).message).toContain(
      'npm ci ended with 7',
    );
  });
});

it('names optional packages that are not there, and the command for a binary that the lock file lacks', async () => {
  const root = await temporaryDir();
  const chdb = join(root, 'node_modules', 'chdb');
  await mkdir(chdb, { recursive: true });
  const optional = { '@chdb/lib-darwin-arm64': '26.7.3' };
  await writeFile(join(chdb, 'package.json'), JSON.stringify({ optionalDependencies: optional }));
  const manifest = { optionalDependencies: { chdb: '3.4.0', '@tensorflow/tfjs-node': '4.22.0' } };
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest));
  const machine = { platform: 'darwin', arch: 'arm64', isGlibc: false, clickhouseUrl: '' };
  const lines = missingOptional(root, machine);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('@tensorflow/tfjs-node was not installed');
  expect(lines[1]).toContain('npm install --no-save @chdb/lib-darwin-arm64@26.7.3');
});
