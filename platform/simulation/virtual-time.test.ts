import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { SimulatedHost } from './simulated-host.ts';
import { VirtualTime } from './virtual-time.ts';

const START_MS = 1_700_000_000_000;

function host(time: VirtualTime): SimulatedHost {
  return new SimulatedHost(time, createRandom('host'), START_MS);
}

describe('virtual time', () => {
  it('runs what is due in its order, each with what follows from it, and then moves on', async () => {
    const time = new VirtualTime();
    const seen: string[] = [];
    const say = (text: string) => void seen.push(`${time.nowMs} ${text}`);
    time.after(20, () => say('third'));
    time.after(10, () => {
      say('first');
      void Promise.resolve()
        .then(() => undefined)
        .then(() => say('follows'));
    });
    time.after(10, () => say('second'));
    time.after(15, () => say('never'))();
    expect(await time.run(() => false, 100)).toBe(false);
    expect(seen).toEqual(['10 first', '10 follows', '10 second', '20 third']);
    expect(time.nowMs).toBe(100);
    expect(time.steps).toBe(3);
  });

  it('stops where it is asked to, and goes on from there', async () => {
    const time = new VirtualTime();
    let fired = 0;
    time.after(10, () => fired++);
    time.after(20, () => fired++);
    expect(await time.run(() => fired === 1, 100)).toBe(true);
    expect(time.nowMs).toBe(10);
    await time.run(() => fired === 2, 100);
    expect(time.nowMs).toBe(20);
  });

  it('ends a wait early where it is aborted, and at once where it was before', async () => {
    const time = new VirtualTime();
    const clock = time.scheduler(START_MS, createRandom('x'));
    const stop = new AbortController();
    const ended: number[] = [];
    void clock.sleep(1000, stop.signal).then(() => ended.push(time.nowMs));
    time.after(5, () => stop.abort());
    await time.run(() => false, 50);
    expect(ended).toEqual([5]);
    void clock.sleep(1000, stop.signal).then(() => ended.push(time.nowMs));
    time.after(0, () => undefined);
    await time.run(() => false, 60);
    expect(ended).toEqual([5, 50]);
  });
});

describe('a simulated host', () => {
  it('does nothing more once it is killed', async () => {
    const time = new VirtualTime();
    const process = host(time);
    let ran = 0;
    process.after(10, () => ran++);
    process.after(30, () => ran++);
    time.after(20, () => process.kill());
    await time.run(() => false, 100);
    process.deliver(() => ran++);
    expect(ran).toBe(1);
  });

  it('does late what came while it stood still', async () => {
    const time = new VirtualTime();
    const process = host(time);
    const ran: number[] = [];
    time.after(5, () => process.standStill(100));
    process.after(10, () => ran.push(time.nowMs));
    await time.run(() => false, 200);
    expect(ran).toEqual([105]);
  });

  it('has a clock that can be wrong, and a sense of time that never goes back', async () => {
    const time = new VirtualTime();
    const process = host(time);
    process.moveClock(-60_000);
    expect(process.now()).toBe(START_MS - 60_000);
    process.setClockRight();
    expect(process.now()).toBe(START_MS);
    let before = 0;
    for (let n = 0; n < 1000; n++) {
      const now = process.elapsedMs();
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(100);
  });
});
