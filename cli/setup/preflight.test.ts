import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE } from '../../platform/errors.ts';
import {
  checkDisk,
  checkEngine,
  checkNode,
  compareVersions,
  FIRST_INSTALL_BYTES,
  freeBytes,
  readMachine,
} from './preflight.mjs';

describe('checkNode', () => {
  it.each(['20.19.0', '20.20.2', '22.12.0', 'v24.0.0-nightly'])('takes %s', (version) => {
    expect(checkNode(version)).toBeNull();
  });

  it.each(['20.18.3', '18.20.0', '8.17.0', 'v12.22.12'])('refuses %s', (version) => {
    expect(checkNode(version)).toMatchObject({ code: 'MR_NODE_TOO_OLD' });
    expect(checkNode(version)?.message).toContain(version);
  });

  it('compares by number, not by letter', () => {
    expect(compareVersions('20.9.0', '20.19.0')).toBeLessThan(0);
    expect(compareVersions('20.19.0', '20.19')).toBe(0);
  });
});

describe('checkEngine', () => {
  const linux = { platform: 'linux', arch: 'x64', isGlibc: true, clickhouseUrl: '' };

  it.each([
    linux,
    { ...linux, arch: 'arm64' },
    { ...linux, platform: 'darwin', arch: 'arm64', isGlibc: false },
  ])('takes %j', (machine) => {
    expect(checkEngine(machine)).toBeNull();
  });

  it.each([
    [{ ...linux, isGlibc: false }, 'musl'],
    [{ ...linux, arch: 'riscv64' }, 'linux-riscv64'],
    [{ ...linux, platform: 'win32', isGlibc: false }, 'win32-x64'],
  ])('refuses %j by name and says what to set', (machine, named) => {
    const fault = checkEngine(machine);
    expect(fault).toMatchObject({ code: 'MR_EMBEDDED_UNAVAILABLE' });
    expect(fault?.message).toContain(named);
    expect(fault?.fix).toContain('MR_CLICKHOUSE_URL');
    expect(checkEngine({ ...machine, clickhouseUrl: 'http://127.0.0.1:8123' })).toBeNull();
  });
});

describe('checkDisk', () => {
  it('asks for 3 GiB', () => {
    expect(checkDisk({ freeBytes: FIRST_INSTALL_BYTES })).toBeNull();
    expect(checkDisk({ freeBytes: null })).toBeNull();
    const fault = checkDisk({ freeBytes: 1.25 * 1024 ** 3 });
    expect(fault).toMatchObject({ code: 'MR_DISK_TOO_SMALL' });
    expect(fault?.message).toContain('3.0 GiB of free disk; there is 1.3 GiB');
  });
});

it('reads this machine', () => {
  expect(readMachine()).toMatchObject({ platform: process.platform, arch: process.arch });
  expect(freeBytes('.')).toBeGreaterThan(0);
});

it('uses codes of the catalogue', () => {
  const codes = [checkNode('1.0.0')?.code, checkDisk({ freeBytes: 0 })?.code];
  for (const code of codes) expect(ERROR_CATALOGUE).toHaveProperty(code ?? '');
});
