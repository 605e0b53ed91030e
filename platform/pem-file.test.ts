import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../test/harness/temporary-dir.ts';
import { readPem } from './pem-file.ts';

describe('readPem', () => {
  it('names the setting of a file that is not there, or that is something else', async () => {
    const path = join(await temporaryDir(), 'ca.pem');
    const read = () => readPem('MR_REDIS_CA_FILE', path);
    expect(read).toThrow(`MR_REDIS_CA_FILE: ${path} cannot be read: ENOENT`);
    writeFileSync(path, 'a picture');
    expect(read).toThrow(`MR_REDIS_CA_FILE: ${path} is no PEM file`);
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\n');
    expect(read()).toBe('-----BEGIN CERTIFICATE-----\n');
  });
});
