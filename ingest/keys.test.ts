import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadOrCreateIngestKey } from './keys.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mr-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('loadOrCreateIngestKey', () => {
  test('makes one key, that only the owner may read, and keeps to it', () => {
    const dataDir = join(folder, 'not', 'there', 'yet');
    const key = loadOrCreateIngestKey(dataDir).reveal();
    expect(key).toMatch(/^mrk_[A-Za-z0-9_-]{32}$/);
    expect(loadOrCreateIngestKey(dataDir).reveal()).toBe(key);
    expect(statSync(join(dataDir, 'ingest-key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['ingest-key']);
  });

  test('makes different keys for different folders', () => {
    const keys = ['a', 'b'].map((name) => loadOrCreateIngestKey(join(folder, name)).reveal());
    expect(new Set(keys).size).toBe(2);
  });

  test('takes a key that somebody put there, and takes it from other readers', () => {
    const path = join(folder, 'ingest-key');
    writeFileSync(path, 'a-key-chosen-by-hand\n', { mode: 0o644 });
    expect(loadOrCreateIngestKey(folder).reveal()).toBe('a-key-chosen-by-hand');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each(['', 'short', 'two words that are long'])('refuses a file that holds no key: %j', (text) => {
    writeFileSync(join(folder, 'ingest-key'), text);
    expect(() => loadOrCreateIngestKey(folder)).toThrow(
      expect.objectContaining({ code: 'MR_INGEST_KEY_FILE' }) as Error,
    );
  });

  test('says so where the folder cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => loadOrCreateIngestKey(join(folder, 'file', 'data'))).toThrow(
      expect.objectContaining({ code: 'MR_INGEST_KEY_FILE' }) as Error,
    );
  });
});
