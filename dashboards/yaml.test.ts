import { describe, expect, it } from 'vitest';
import { toYaml } from './yaml.ts';

describe('toYaml', () => {
  it('writes mappings and lists as blocks', () => {
    const value = { list: [{ a: 1, b: { c: true } }, 'text', [2, 3]], none: [], nothing: {} };
    expect(toYaml(value)).toBe(
      [
        'list:',
        '  - a: 1',
        '    b:',
        '      c: true',
        '  - text',
        '  - - 2',
        '    - 3',
        'none: []',
        'nothing: {}',
        '',
      ].join('\n'),
    );
  });

  it('quotes what could be read as something else', () => {
    const quoted = ['', 'no', 'true', '1', '30s', 'a: b', 'x #y', '$HOME', '- a', '{a}', '"', 'ü', '~', ' a'];
    for (const text of quoted) expect(toYaml({ key: text })).toBe(`key: ${JSON.stringify(text)}\n`);
    expect(toYaml({ key: 'plain words/of.this-kind' })).toBe('key: plain words/of.this-kind\n');
  });

  it('writes SQL as a literal block, deeper lines and empty ones included', () => {
    expect(toYaml({ a: [{ sql: 'SELECT 1\n\n  FROM t' }] })).toBe(
      'a:\n  - sql: |-\n      SELECT 1\n\n        FROM t\n',
    );
  });

  it('quotes lines that a literal block would not give back', () => {
    expect(toYaml({ a: 'x\n' })).toBe('a: "x\\n"\n');
    expect(toYaml({ a: '  x\ny' })).toBe('a: "  x\\ny"\n');
  });
});
