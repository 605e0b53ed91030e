import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRows, type OutputRecord } from './compare-rows.ts';

const record = (key: string, value: string | null): OutputRecord => ({ key, value });
const none = { rows: 0, different: 0, examples: [] };

describe('compareRows', () => {
  it('takes the last value of each key', () => {
    const ours = [record('{"key":"a"}', '{"count":1}'), record('{"key":"a"}', '{"count":2}')];
    expect(compareRows({ ours, theirs: ours.slice(1) })).toEqual({ ...none, rows: 1 });
  });

  it('takes a row that was retracted for one that never was', () => {
    expect(compareRows({ ours: [record('1', '2'), record('1', null)], theirs: [] })).toEqual(none);
  });

  it('takes a row that came back after its retraction', () => {
    const ours = [record('1', '2'), record('1', null), record('1', '3')];
    expect(compareRows({ ours, theirs: [record('1', '3')] })).toEqual({ ...none, rows: 1 });
  });

  it('does not mind the order of members, at any depth', () => {
    const ours = [record('{"key":"a","end":2}', '{"a":{"x":1,"y":[{"m":1,"n":2}]},"b":null}')];
    const theirs = [record('{ "end": 2, "key": "a" }', '{"b":null,"a":{"y":[{"n":2,"m":1}],"x":1}}')];
    expect(compareRows({ ours, theirs })).toEqual({ ...none, rows: 1 });
  });

  it('minds the order of lists and the difference between null and nothing', () => {
    expect(compareRows({ ours: [record('1', '[1,2]')], theirs: [record('1', '[2,1]')] }).different).toBe(1);
    expect(compareRows({ ours: [record('1', '{"a":null}')], theirs: [record('1', '{}')] }).different).toBe(1);
  });

  it('says what differs, for a reader', () => {
    const ours = [record('{"key":"b"}', '{"sum":1}'), record('{"key":"c"}', '{"sum":7}')];
    const theirs = [record('{"key":"b"}', '{"sum":2}'), record('{"key":"a"}', '{"sum":3}')];
    expect(compareRows({ ours, theirs })).toEqual({
      rows: 3,
      different: 3,
      examples: [
        '{"key":"a"}: ours has no row, theirs {"sum":3}',
        '{"key":"b"}: ours {"sum":1}, theirs {"sum":2}',
        '{"key":"c"}: ours {"sum":7}, theirs has no row',
      ],
    });
  });

  it('shows five differences at most and counts all', () => {
    const ours = Array.from({ length: 9 }, (_, i) => record(String(i), 'x'));
    const { different, examples } = compareRows({ ours, theirs: [] });
    expect([different, examples.length]).toEqual([9, 5]);
  });

  it('leaves out what it is told to', () => {
    const ours = [record('end', '1'), record('a', '1')];
    expect(compareRows({ ours, theirs: [], isIgnored: (key) => key === 'end' })).toMatchObject({ rows: 1 });
  });

  it('compares text that is no JSON as it is', () => {
    expect(compareRows({ ours: [record('a ', 'b')], theirs: [record('a', 'b')] }).different).toBe(2);
  });

  it('counts the same whichever side is ours', () => {
    const records = fc.array(
      fc.record({ key: fc.constantFrom('1', '2', '3'), value: fc.constantFrom('1', '2', null) }),
    );
    fc.assert(
      fc.property(records, records, (ours, theirs) => {
        const there = compareRows({ ours, theirs });
        const back = compareRows({ ours: theirs, theirs: ours });
        expect([back.rows, back.different]).toEqual([there.rows, there.different]);
        expect(compareRows({ ours, theirs: ours }).different).toBe(0);
      }),
    );
  });
});
