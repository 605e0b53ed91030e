import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownDataDir } from '../../platform/control/data-dir.ts';
import { MillraceError } from '../../platform/errors.ts';
import { silentLogger } from '../../platform/log.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { checkSystems, type System } from './systems.ts';

const info = { engine: 'embedded log', version: '1.2', where: 'here' };

function system(kind: System['kind'], where: string, open: System['open']): System {
  return { name: 'kafka', kind, where, open };
}

const never: System['open'] = () => Promise.reject(new Error('must not be opened'));

describe('checkSystems', () => {
  it('asks an open engine for version and latency, and closes it', async () => {
    let closed = false;
    const close = async () => {
      closed = true;
    };
    const real = system('real', 'broker:9092', async () => ({ info: async () => info, close }));
    const [check] = await checkSystems({ dataDir: await temporaryDir() }, [real], 1000);
    expect(check).toMatchObject({ name: 'kafka', status: 'ok', version: '1.2', where: 'here' });
    expect(check?.latencyMs).toBeGreaterThanOrEqual(0);
    expect(closed).toBe(true);
  });

  it('says what to do about a failure, by its code', async () => {
    const refused = system('real', 'broker:9092', () =>
      Promise.reject(new MillraceError('MR_ENGINE_AUTH_FAILED', 'the broker refused the password')),
    );
    const [check] = await checkSystems({ dataDir: await temporaryDir() }, [refused], 1000);
    expect(check).toMatchObject({ status: 'failed', code: 'MR_ENGINE_AUTH_FAILED' });
    expect(check?.fix).toContain('password');
  });

  it('does not wait for ever', async () => {
    const hung = system('real', 'broker:9092', () => new Promise(() => undefined));
    const [check] = await checkSystems({ dataDir: await temporaryDir() }, [hung], 50);
    expect(check).toMatchObject({ status: 'failed', code: 'MR_KAFKA_UNAVAILABLE' });
    expect(check?.found).toContain('did not answer within 50 ms');
  });

  it('makes nothing: an embedded engine that is not there yet is not opened', async () => {
    const dataDir = await temporaryDir();
    const log = system('embedded', join(dataDir, 'log'), never);
    const missing: System = { ...log, name: 'clickhouse', package: 'millrace-has-no-such-package' };
    const checks = await checkSystems({ dataDir }, [log, missing], 1000);
    expect(checks).toMatchObject([
      { status: 'ok', found: `embedded, made at the first start in ${join(dataDir, 'log')}` },
      { status: 'failed', code: 'MR_EMBEDDED_UNAVAILABLE' },
    ]);
  });

  it('asks the owner of the data folder for the engines that it has open', async () => {
    const dataDir = await temporaryDir();
    mkdirSync(join(dataDir, 'log'));
    const owner = await ownDataDir({ dataDir, command: 'demo', now: Date.now, log: silentLogger() });
    onTestFinished(() => owner.close());
    owner.add({ name: 'kafka', info: async () => info });
    const [check] = await checkSystems({ dataDir }, [system('embedded', join(dataDir, 'log'), never)], 1000);
    expect(check).toMatchObject({ status: 'ok' });
    expect(check?.found).toContain(`open in \`millrace demo\` (process ${process.pid})`);
  });
});
