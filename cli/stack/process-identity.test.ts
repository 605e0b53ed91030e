import { expect, it } from 'vitest';
import { isRunning, parseProcStat, processIdentity } from './process-identity.ts';

it('reads state and start time, whatever the name of the program holds', () => {
  const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), '777', '0'];
  expect(parseProcStat(`12 (a) b (c)) ${fields.join(' ')}\n`)).toEqual({ state: 'S', startTicks: '777' });
  expect(parseProcStat('12 (cut')).toBeUndefined();
});

it('knows this process, and not a later one with its pid', () => {
  const identity = processIdentity(process.pid) ?? '';
  expect(isRunning({ pid: process.pid, identity })).toBe(true);
  expect(isRunning({ pid: process.pid, identity: `${identity}9` })).toBe(false);
});

it.each([0, -1, 1.5, NaN, 2 ** 30])('knows no process %d', (pid) => {
  expect(processIdentity(pid)).toBeUndefined();
});
