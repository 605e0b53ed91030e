import { describe, expect, it } from 'vitest';
import { insertStatement } from './insert-statement.ts';

describe('insertStatement', () => {
  it('writes the union of the columns, and null where a row has no value', () => {
    expect(
      insertStatement('t', [
        { a: 1, b: 'x' },
        { b: null, c: true },
      ]),
    ).toBe('INSERT INTO `t` (`a`, `b`, `c`) FORMAT JSONCompactEachRow\n[1,"x",null]\n[null,null,true]\n');
  });

  it('writes bigints as text at any depth, and non-finite numbers by name', () => {
    const statement = insertStatement('t', [{ a: 2n ** 64n - 1n, b: [1n], c: NaN, d: -Infinity }]);
    expect(statement.split('\n')[1]).toBe('["18446744073709551615",["1"],"nan","-infinity"]');
  });

  it('puts settings into the statement, quoted', () => {
    const statement = insertStatement('db.t', [{ a: 1 }], { token: "it's\\", n: 2 });
    expect(statement).toMatch(/^INSERT INTO `db`\.`t` \(`a`\) SETTINGS token = 'it\\'s\\\\', n = 2 FORMAT /);
  });

  it.each(['t`; DROP TABLE x', '', 'a.b-c'])('refuses the table name %j', (table) => {
    expect(() => insertStatement(table, [{ a: 1 }])).toThrow(
      expect.objectContaining({ code: 'MR_CLICKHOUSE_QUERY_FAILED' }),
    );
  });

  it('refuses a column that is no name', () => {
    expect(() => insertStatement('t', [{ 'a) VALUES': 1 }])).toThrow(
      expect.objectContaining({ code: 'MR_CLICKHOUSE_QUERY_FAILED' }),
    );
  });
});
