import { symlink } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../harness/free-port.ts';
import { runMillrace } from '../harness/millrace-process.ts';
import { skipOrFail } from '../harness/require-service.ts';
import { makeSmallDisk } from '../harness/small-disk.ts';
import { temporaryDir } from '../harness/temporary-dir.ts';

/** What the start of the whole pipeline says about a fault of its surroundings, and that it ends soon. */
async function startFault(env: Readonly<Record<string, string>>, args: readonly string[] = ['start']) {
  const startedMs = performance.now();
  const process = runMillrace(args, {
    MR_DATA_DIR: await temporaryDir(),
    MR_INGEST_PORT: '0',
    MR_SERVING_PORT: '0',
    MR_PROCESSORS_PORT: '0',
    MR_CLICKHOUSE_PORT: '0',
    ...env,
  });
  const { code } = await process.ended;
  return { code, stderr: process.stderr(), seconds: (performance.now() - startedMs) / 1000 };
}

const disk = await makeSmallDisk(4);
const small = skipOrFail(disk.missing, {});

afterAll(() => disk.remove());

describe.skipIf(small.isMissing)(small.title('a full disk at the start'), () => {
  it('no room for state beyond the memory: the code, the folder and what to do', async () => {
    const dir = await temporaryDir();
    await symlink(disk.path, join(dir, 'spill'));
    disk.leave(0);
    const fault = await startFault({ MR_DATA_DIR: dir });
    expect(fault.code, fault.stderr).toBe(1);
    expect(fault.stderr).toContain('MR_SPILL_FULL');
    expect(fault.stderr).toContain(join(dir, 'spill'));
    expect(fault.stderr).toContain('Make room on the disk');
  });
});

describe('faults at the start', () => {
  it('Kafka down: a code, soon', async () => {
    const fault = await startFault({ MR_KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    expect(fault.code).toBe(1);
    expect(fault.stderr).toContain('MR_KAFKA_UNAVAILABLE');
    expect(fault.seconds).toBeLessThan(60);
  });

  it('Redis down: a code, soon', async () => {
    const fault = await startFault({ MR_REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    expect(fault.code).toBe(1);
    expect(fault.stderr).toContain('MR_ONLINE_STORE_UNAVAILABLE');
  });

  it('ClickHouse down: a code, soon', async () => {
    const fault = await startFault({ MR_CLICKHOUSE_URL: `http://127.0.0.1:${await freePort()}` });
    expect(fault.code).toBe(1);
    expect(fault.stderr).toContain('MR_CLICKHOUSE_UNAVAILABLE');
  });

  it('a port that is taken: the code and the port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    try {
      const fault = await startFault({ MR_SERVING_PORT: String(port) });
      expect(fault.code).toBe(1);
      expect(fault.stderr).toContain('MR_PORT_TAKEN');
      expect(fault.stderr).toContain(String(port));
    } finally {
      taken.close();
    }
  });

  it('too little disk: the code and what is there', async () => {
    const fault = await startFault({ MR_MIN_FREE_DISK_MB: '9999999' });
    expect(fault.code).toBe(1);
    expect(fault.stderr).toContain('MR_DISK_TOO_SMALL');
  });

  it('wrong settings: all of them in one message, no secret in it', async () => {
    const fault = await startFault({
      MR_INGEST_KEYS: 'short-secret',
      MR_SERVING_PORT: 'eighty',
      MR_NO_SUCH: '1',
    });
    expect(fault.code).toBe(1);
    for (const name of ['MR_CONFIG_INVALID', 'MR_SERVING_PORT', 'MR_NO_SUCH'])
      expect(fault.stderr).toContain(name);
    expect(fault.stderr).not.toContain('short-secret');
  });
});
