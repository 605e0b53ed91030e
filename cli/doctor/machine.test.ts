import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { checkCertificate, checkDataDir, checkMemory, checkNode, checkPort } from './machine.ts';
import { reportLines } from './report.ts';

describe('the checks of the machine', () => {
  it('compares versions of Node.js as numbers', () => {
    expect(checkNode('20.20.2', '20.19.0').status).toBe('ok');
    expect(checkNode('v22.1.0', '20.19.0').status).toBe('ok');
    expect(checkNode('20.9.0', '20.19.0')).toMatchObject({
      status: 'failed',
      fix: 'Install Node.js 20.19.0 or newer.',
    });
  });

  it('warns of little memory', () => {
    expect(checkMemory(24 * 1024 ** 3)).toMatchObject({ status: 'ok', found: '24.0 GiB of memory' });
    expect(checkMemory(2 * 1024 ** 3).status).toBe('warning');
  });

  it('takes a data folder that can be made, and refuses a file and a full disk', async () => {
    const dir = await temporaryDir();
    expect((await checkDataDir({ dataDir: join(dir, 'a', 'b'), minFreeDiskMb: 1 })).status).toBe('ok');
    writeFileSync(join(dir, 'file'), '');
    expect(await checkDataDir({ dataDir: join(dir, 'file'), minFreeDiskMb: 1 })).toMatchObject({
      status: 'failed',
      found: `${join(dir, 'file')} is not a folder`,
    });
    const full = await checkDataDir({ dataDir: dir, minFreeDiskMb: 1_000_000_000 });
    expect(full).toMatchObject({ status: 'failed' });
    expect(full.fix).toContain('MR_DATA_DIR');
  });

  it('warns of a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await checkPort('MR_SERVING_PORT', '127.0.0.1', port)).toMatchObject({
      status: 'warning',
      found: 'MR_SERVING_PORT: in use on 127.0.0.1',
    });
  });

  it('names the setting of a certificate that cannot be read', async () => {
    const path = join(await temporaryDir(), 'ca.pem');
    expect(checkCertificate('MR_KAFKA_CA_FILE', path, 0)).toMatchObject({
      status: 'failed',
      name: 'MR_KAFKA_CA_FILE',
    });
    writeFileSync(path, 'no certificate');
    expect(checkCertificate('MR_KAFKA_CA_FILE', path, 0).status).toBe('failed');
  });
});

describe('reportLines', () => {
  it('puts what to do below the line that it is for, and a verdict last', () => {
    expect(
      reportLines([
        { name: 'node', status: 'ok', found: 'Node.js 20.20.2' },
        { name: 'kafka', status: 'failed', found: 'MR_KAFKA_UNAVAILABLE: nobody', fix: 'Start it.' },
      ]),
    ).toEqual([
      'ok    node   Node.js 20.20.2',
      'FAIL  kafka  MR_KAFKA_UNAVAILABLE: nobody',
      '             → Start it.',
      '',
      '1 of 2 checks failed',
    ]);
  });
});
