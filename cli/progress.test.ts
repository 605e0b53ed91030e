import { describe, expect, it } from 'vitest';
import { formatSeconds, Progress, ProgressLine, progressLine } from './progress.ts';

function fakeTarget(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) };
}

describe('progressLine', () => {
  it('shows share, count, rate and time left', () => {
    const line = progressLine('replay', { unit: 'events', done: 500, total: 2000, elapsedMs: 10_000 });
    expect(line).toBe('replay [######..................]  25%  500 of 2,000 events  50 events/s  30 s left');
  });

  it('shows count and rate where the total is unknown', () => {
    const state = { unit: 'rows', done: 3_000_000, total: undefined, elapsedMs: 2000 };
    expect(progressLine('import', state)).toBe('import  3.00 M rows  1.50 M rows/s');
  });

  it('neither divides by zero nor passes 100 %', () => {
    expect(progressLine('x', { unit: 'u', done: 0, total: 10, elapsedMs: 0 })).toContain(
      ']   0%  0 of 10 u  0 u/s',
    );
    expect(progressLine('x', { unit: 'u', done: 12, total: 10, elapsedMs: 1 })).toContain(
      '[########################] 100%',
    );
  });
});

describe('formatSeconds', () => {
  it.each([
    [0.2, '1 s'],
    [59.5, '1 min 0 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('Progress', () => {
  it('redraws one line on a terminal, at most ten times a second', () => {
    const target = fakeTarget(true);
    let nowMs = 0;
    const progress = new Progress('load', { unit: 'rows', total: 100, target, now: () => nowMs });
    progress.update(1);
    nowMs = 50;
    progress.update(2);
    nowMs = 120;
    progress.update(3);
    progress.finish(100);
    expect(target.written).toHaveLength(4);
    expect(target.written[0]).toMatch(/^\rload .*\u001B\[K$/);
    expect(target.written[2]).toContain('100%');
    expect(target.written[3]).toBe('\n');
    expect(Math.max(...target.written.map((text) => text.length))).toBeLessThanOrEqual(80 + 4);
  });

  it('writes a line every five seconds elsewhere', () => {
    const target = fakeTarget(false);
    let nowMs = 0;
    const progress = new Progress('load', { unit: 'rows', target, now: () => nowMs });
    for (nowMs = 0; nowMs <= 11_000; nowMs += 1000) progress.update(nowMs);
    expect(target.written).toEqual(['load  5,000 rows  1,000 rows/s\n', 'load  10,000 rows  1,000 rows/s\n']);
  });
});

describe('ProgressLine', () => {
  it('clears the line of a terminal at the end', () => {
    const target = fakeTarget(true);
    const line = new ProgressLine(target, () => 0);
    line.show('kafka: starting');
    line.show('kafka: starting');
    line.finish();
    line.finish();
    expect(target.written).toEqual(['\rkafka: starting\u001B[K', '\r\u001B[K']);
  });

  it('writes at most a line a second elsewhere', () => {
    const target = fakeTarget(false);
    let nowMs = 0;
    const line = new ProgressLine(target, () => nowMs);
    line.show('a');
    line.show('b');
    nowMs = 1000;
    line.show('c');
    expect(target.written).toEqual(['a\n', 'c\n']);
  });
});
