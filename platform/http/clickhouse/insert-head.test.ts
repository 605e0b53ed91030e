import { describe, expect, it } from 'vitest';
import { findInsertHead } from './insert-head.ts';

function split(text: string): readonly [string, string, string] | undefined {
  const bytes = Buffer.from(text);
  const head = findInsertHead(bytes);
  if (head === undefined) return undefined;
  const statement = bytes.subarray(0, head.statementBytes).toString().trim();
  return [statement, head.format, bytes.subarray(head.dataStart).toString()];
}

describe('findInsertHead', () => {
  it.each<[string, readonly [string, string, string]]>([
    ['INSERT INTO t FORMAT CSV\n1,2\n', ['INSERT INTO t', 'CSV', '1,2\n']],
    [
      'insert into t (`format`, "values") format TSV\n\t1\n',
      ['insert into t (`format`, "values")', 'TSV', '\t1\n'],
    ],
    ['INSERT INTO t FORMAT JSONEachRow {"a":1}', ['INSERT INTO t', 'JSONEachRow', '{"a":1}']],
    ["INSERT INTO t VALUES ('a;FORMAT b')", ['INSERT INTO t', 'Values', " ('a;FORMAT b')"]],
    [
      "-- naïve FORMAT x\n/* VALUES */ INSERT INTO t SETTINGS a = 'FORMAT' FORMAT CSV;\r\n1",
      ["-- naïve FORMAT x\n/* VALUES */ INSERT INTO t SETTINGS a = 'FORMAT'", 'CSV', '1'],
    ],
    [
      "INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1",
      ["INSERT INTO t SELECT a FROM input('a Int8')", 'CSV', '1'],
    ],
  ])('parts %j', (text, expected) => {
    expect(split(text)).toEqual(expected);
  });

  it.each([
    'SELECT 1 FORMAT CSV',
    'INSERT INTO t SELECT 1 FORMAT Null',
    'INSERT INTO t',
    '',
    "INSERT INTO 'x",
  ])('takes %j as a statement without data', (text) => {
    expect(split(text)).toBeUndefined();
  });
});
