import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { MillraceError } from '../errors.ts';
import { silentLogger } from '../log.ts';
import { askOwner } from './control-client.ts';
import { CONTROL_SOCKET } from './control-server.ts';
import { ownDataDir, type DataDirOwner } from './data-dir.ts';

const startedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5);

async function own(dataDir: string, command = 'demo'): Promise<DataDirOwner> {
  const owner = await ownDataDir({ dataDir, command, now: () => startedAtMs, log: silentLogger() });
  onTestFinished(() => owner.close());
  return owner;
}

describe('the owner of a data folder', () => {
  it('tells who it is and how its engines answer', async () => {
    const dataDir = await temporaryDir();
    const owner = await own(dataDir);
    owner.add({
      name: 'kafka',
      info: async () => ({ engine: 'embedded log', version: '1', where: dataDir }),
    });
    owner.add({
      name: 'clickhouse',
      info: () => Promise.reject(new MillraceError('MR_CLICKHOUSE_UNAVAILABLE', 'away')),
    });
    expect(await askOwner(dataDir, 2000)).toEqual({
      pid: process.pid,
      command: 'demo',
      startedAt: '2026-01-02T03:04:05.000Z',
      engines: [
        {
          name: 'kafka',
          ok: true,
          engine: 'embedded log',
          version: '1',
          where: dataDir,
          latencyMs: expect.any(Number) as number,
        },
        { name: 'clickhouse', ok: false, code: 'MR_CLICKHOUSE_UNAVAILABLE', message: 'away' },
      ],
    });
  });

  it('is named to a second owner', async () => {
    const dataDir = await temporaryDir();
    await own(dataDir);
    await expect(own(dataDir, 'start')).rejects.toMatchObject({
      code: 'MR_EMBEDDED_IN_USE',
      message: `\`millrace demo\` (process ${process.pid}, since 2026-01-02T03:04:05.000Z) owns the data folder ${dataDir}`,
    });
  });

  it('lets only its user open the socket, and leaves none behind', async () => {
    const dataDir = await temporaryDir();
    const owner = await own(dataDir);
    expect(statSync(join(dataDir, CONTROL_SOCKET)).mode & 0o777).toBe(0o600);
    await owner.close();
    expect(existsSync(join(dataDir, CONTROL_SOCKET))).toBe(false);
    expect(await askOwner(dataDir, 200)).toBeUndefined();
  });

  it('takes over where a dead owner left its socket', async () => {
    const dataDir = await temporaryDir();
    writeFileSync(join(dataDir, CONTROL_SOCKET), '');
    expect(await askOwner(dataDir, 200)).toBeUndefined();
    await own(dataDir);
    expect((await askOwner(dataDir, 2000))?.pid).toBe(process.pid);
  });

  it('works in a folder whose path is longer than a socket address', async () => {
    const dataDir = join(await temporaryDir(), 'x'.repeat(90), 'y'.repeat(90));
    mkdirSync(dataDir, { recursive: true });
    await own(dataDir);
    expect((await askOwner(dataDir, 2000))?.command).toBe('demo');
  });
});
