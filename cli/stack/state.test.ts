import { readdir, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { EMPTY_STATE, parseState, readState, stateFile, writeState, type StackState } from './state.ts';

const state: StackState = {
  version: 1,
  controllerPort: 9091,
  secure: false,
  services: [
    {
      ...{ name: 'kafka-1', kind: 'kafka', pid: 42, identity: 'boot/1', port: 9092, dir: '/tmp/kafka-1' },
      ...{ tls: false, version: '4.4.0', startedAtMs: 1_700_000_000_000 },
    },
  ],
};

describe('state.json', () => {
  it('is read as it was written', async () => {
    const dir = await temporaryDir();
    await writeState(dir, state);
    expect(await readState(dir)).toEqual(state);
    expect(await readdir(dir)).toEqual(['state.json']);
  });

  it('is for its owner alone, and takes what an earlier release has written', async () => {
    const dir = await temporaryDir();
    await writeFile(stateFile(dir), '{}', { mode: 0o644 });
    await writeState(dir, state);
    expect((await stat(stateFile(dir))).mode & 0o777).toBe(0o600);
    const earlier = {
      name: 'redis',
      kind: 'redis',
      pid: 1,
      identity: 'boot/1',
      port: 6379,
      dir: '/tmp/redis',
    };
    const text = JSON.stringify({ version: 1, controllerPort: 0, services: [earlier] });
    expect(parseState(text, 'state.json')).toMatchObject({ secure: false, services: [earlier] });
  });

  it('is gone when nothing runs', async () => {
    const dir = await temporaryDir();
    await writeState(dir, state);
    await writeState(dir, { ...state, services: [] });
    expect(await readdir(dir)).toEqual([]);
    expect(await readState(dir)).toEqual(EMPTY_STATE);
  });

  it.each([
    'half a file {',
    '{"version":2,"controllerPort":0,"services":[]}',
    JSON.stringify({ ...state, services: [{ ...state.services[0], pid: -1 }] }),
    JSON.stringify({ ...state, services: [{ ...state.services[0], name: '../etc' }] }),
  ])('is refused by name where it is not ours: %s', async (text) => {
    const dir = await temporaryDir();
    await writeFile(stateFile(dir), text);
    await expect(readState(dir)).rejects.toMatchObject({ code: 'MR_STACK_STATE_INVALID' });
    expect(() => parseState(text, 'some/state.json')).toThrow('some/state.json');
  });
});
