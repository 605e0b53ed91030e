import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { isIgnored, readDockerfile } from './dockerfile.ts';

const read = (file: string) => readFileSync(join(PACKAGE_ROOT, file), 'utf8');
const stages = readDockerfile(read('Dockerfile'));
const last = stages.at(-1);
const of = (keyword: string) =>
  (last?.instructions ?? []).filter((instruction) => instruction.keyword === keyword).map(({ text }) => text);

describe('readDockerfile', () => {
  it('reads stages, comments and continued lines', () => {
    expect(
      readDockerfile('# a\nFROM node:20 AS build\nRUN a \\\n  b\nFROM node:20\n# c\nCMD ["x"]\n'),
    ).toEqual([
      { name: 'build', base: 'node:20', instructions: [{ keyword: 'RUN', text: 'a b' }] },
      { name: '', base: 'node:20', instructions: [{ keyword: 'CMD', text: '["x"]' }] },
    ]);
  });
});

describe('isIgnored', () => {
  it('knows names, folders and both kinds of stars', () => {
    const ignore = 'dist\n*.env\n**/*.test.ts\n.env.*\n';
    for (const path of ['dist', 'dist/a/b.js', 'compose.env', 'a/b.test.ts', 'c.test.ts', '.env.local'])
      expect([path, isIgnored(ignore, path)]).toEqual([path, true]);
    for (const path of ['distance', 'a/compose.env', 'a/b.test.tsx', 'a/dist'])
      expect([path, isIgnored(ignore, path)]).toEqual([path, false]);
  });
});

describe('the Dockerfile', () => {
  it('builds in several stages on one pinned release of Node.js', () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
    expect(last?.base).toMatch(/^node:20\.\d+\.\d+-[a-z]+-slim$/);
  });

  it('runs as a user without rights, on compiled sources, with signals handled', () => {
    expect(of('USER')).toEqual(['node']);
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(of('ENTRYPOINT')[0]).toContain('dist/cli/main.js');
    expect(of('ENV')[0]).toContain('NODE_ENV=production');
  });

  it('installs no package that is neither locked nor needed at run time', () => {
    const installs = stages.flatMap(({ name, instructions }) =>
      instructions.filter(({ text }) => text.includes('npm ci')).map(({ text }) => ({ name, text })),
    );
    expect(installs.map(({ name }) => name)).toEqual(['build', 'packages']);
    for (const { text } of installs) expect(text).toContain('--ignore-scripts');
    expect(installs[1]?.text).toContain('--omit=dev --omit=optional');
  });

  it('sends no secret, no data and no build output to the builder', () => {
    const ignore = read('.dockerignore');
    for (const path of [
      '.env',
      '.env.production',
      'node_modules/a',
      'dist/a',
      '.millrace/data/log',
      '.git/config',
    ])
      expect([path, isIgnored(ignore, path)]).toEqual([path, true]);
    const sent = execFileSync('git', ['ls-files'], { cwd: PACKAGE_ROOT, encoding: 'utf8' }).split('\n');
    for (const path of ['package-lock.json', 'schemas/avro/registry.json', 'cli/main.ts']) {
      expect(sent).toContain(path);
      expect([path, isIgnored(ignore, path)]).toEqual([path, false]);
    }
  });
});
