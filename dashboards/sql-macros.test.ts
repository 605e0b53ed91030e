import { describe, expect, it } from 'vitest';
import { MACROS, expandMacros, expandTemplate } from './sql-macros.ts';

const context = {
  fromMs: Date.parse('2026-03-01T10:00:00.250Z'),
  toMs: Date.parse('2026-03-02T11:00:00.750Z'),
  intervalMs: 90_500,
};
const FROM = 'toDateTime(1772359200)';
const TO = 'toDateTime(1772449200)';
const FROM_MS = 'fromUnixTimestamp64Milli(1772359200250)';
const TO_MS = 'fromUnixTimestamp64Milli(1772449200750)';

/** Written from the plugin's table of macros. */
const TABLE: readonly (readonly [string, string])[] = [
  ['$__fromTime', FROM],
  ['$__toTime', TO],
  ['$__fromTime_ms', FROM_MS],
  ['$__toTime_ms', TO_MS],
  ['$__timeFilter(t)', `t >= ${FROM} AND t <= ${TO}`],
  ['$__timeFilter_ms(t)', `t >= ${FROM_MS} AND t <= ${TO_MS}`],
  ['$__dateFilter(d)', "d >= toDate('2026-03-01') AND d <= toDate('2026-03-02')"],
  [
    '$__dateTimeFilter(d, t)',
    `(d >= toDate('2026-03-01') AND d <= toDate('2026-03-02')) AND (t >= ${FROM} AND t <= ${TO})`,
  ],
  [
    '$__dt(d, t)',
    `(d >= toDate('2026-03-01') AND d <= toDate('2026-03-02')) AND (t >= ${FROM} AND t <= ${TO})`,
  ],
  ['$__timeInterval(t)', 'toStartOfInterval(toDateTime(t), INTERVAL 90 second)'],
  ['$__timeInterval_ms(t)', 'toStartOfInterval(toDateTime64(t, 3), INTERVAL 90500 millisecond)'],
  ['$__interval_s', '90'],
];

describe('expandMacros', () => {
  it.each(TABLE)('%s', (macro, expected) => {
    expect(expandMacros(`a ${macro} b ${macro}`, context)).toBe(`a ${expected} b ${expected}`);
  });

  it('has a line of the table for each macro it knows', () => {
    const named = TABLE.map(([macro]) => /\w+/.exec(macro.slice('$__'.length))?.[0]);
    expect(named.toSorted()).toEqual(Object.keys(MACROS).toSorted());
  });

  it('takes no argument from parentheses that follow a macro without one', () => {
    expect(expandMacros('f($__interval_s) + $__toTime (1)', context)).toBe(`f(90) + ${TO} (1)`);
  });

  it('never goes below one second', () => {
    expect(expandMacros('$__interval_s', { ...context, intervalMs: 20 })).toBe('1');
  });

  it.each([
    ['$__timefilter(t)', 'unknown macro $__timefilter'],
    ['$__timeFilter', '$__timeFilter takes 1 arguments, not 0'],
    ['$__timeFilter(a, b)', '$__timeFilter takes 1 arguments, not 2'],
    ['$__timeInterval(toDateTime(t))', 'parentheses in an argument of $__timeInterval'],
    ['$__timeFilter(t', 'no closing parenthesis'],
  ])('refuses %s', (sql, message) => {
    expect(() => expandMacros(sql, context)).toThrow(message);
  });
});

describe('expandTemplate', () => {
  const sql = 'WHERE $__conditionalAll(lower(c) IN (${c:singlequote}), $c) AND $__conditionalAll(d = 1, $d)';

  it('drops a condition under All and keeps it for a choice', () => {
    expect(expandTemplate(sql, {})).toBe('WHERE 1=1 AND 1=1');
    expect(expandTemplate(sql, { c: ['a', "b'c"], d: [] })).toBe("WHERE lower(c) IN ('a','b\\'c') AND 1=1");
  });

  it.each([
    ['SELECT ${c:singlequote}', 'no value for ${c:singlequote}'],
    ['SELECT ${d}', 'only the format singlequote'],
    ['$__conditionalAll(a = 1)', 'needs a condition and one plain $variable'],
    ['$__conditionalAll(a = 1, ${c:csv})', 'needs a condition and one plain $variable'],
  ])('refuses %s', (text, message) => {
    expect(() => expandTemplate(text, { d: ['x'] })).toThrow(message);
  });
});
