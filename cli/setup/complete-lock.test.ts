import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { absentOptional, completeLock, platformOf } from './complete-lock.mjs';

it('package-lock.json names the binaries of every platform (node cli/setup/complete-lock.mjs)', () => {
  const lock = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as Parameters<
    typeof absentOptional
  >[0];
  expect(absentOptional(lock).map(([, name]) => name)).toEqual([]);
});

it.each([
  ['@chdb/lib-linux-arm64-gnu', { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] }],
  ['@oxc-parser/binding-linux-arm-musleabihf', { os: ['linux'], cpu: ['arm'], libc: ['musl'] }],
  ['@biomejs/cli-win32-x64', { os: ['win32'], cpu: ['x64'], libc: [] }],
  ['some-optional-extra', { os: [], cpu: [], libc: [] }],
])('%s is for %j', (name, platform) => {
  expect(platformOf(name)).toEqual(platform);
});

describe('completeLock', () => {
  const binaries = { '@x/tool-linux-x64': '1.2.3', '@x/tool-darwin-arm64': '1.2.3', extra: '^1.0.0' };
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/@x/tool-linux-x64': { version: '1.2.3', optional: true },
      'node_modules/tool': { version: '1.2.3', dev: true, optionalDependencies: binaries },
    },
  };

  it('adds what is absent and can be pinned, and changes nothing else', () => {
    const { packages } = completeLock(lock);
    expect(packages).toEqual({
      ...lock.packages,
      'node_modules/@x/tool-darwin-arm64': {
        version: '1.2.3',
        cpu: ['arm64'],
        dev: true,
        optional: true,
        os: ['darwin'],
      },
    });
    expect(completeLock({ packages })).toEqual({ packages });
  });

  it('finds a package nested in its parent', () => {
    const nested = {
      packages: {
        'node_modules/a/node_modules/tool': { optionalDependencies: { '@x/tool-linux-x64': '1.2.3' } },
        'node_modules/a/node_modules/@x/tool-linux-x64': { version: '1.2.3' },
      },
    };
    expect(absentOptional(nested)).toEqual([]);
  });
});
