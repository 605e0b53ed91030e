import { describe, expect, it } from 'vitest';
import { Lane } from './lane.ts';

const never = new AbortController().signal;

function countingLane(size: number): Lane<number> {
  let opened = 0;
  return new Lane(size, () => Promise.resolve(++opened));
}

describe('Lane', () => {
  it('opens connections as they are needed, and no more than its size', async () => {
    const lane = countingLane(2);
    const first = await lane.acquire(never);
    lane.release(first);
    await lane.acquire(never);
    expect(lane.connections()).toEqual([1]);
    await lane.acquire(never);
    const third = lane.acquire(never);
    lane.release(first);
    expect((await third).connection).toBe(1);
    expect(lane.connections()).toEqual([1, 2]);
  });

  it('serves those who wait in order, and passes over one who has left', async () => {
    const lane = countingLane(1);
    const held = await lane.acquire(never);
    const leaving = new AbortController();
    const order: string[] = [];
    const gone = lane.acquire(leaving.signal);
    const waits = ['a', 'b'].map(async (name) => {
      const slot = await lane.acquire(never);
      order.push(name);
      lane.release(slot);
    });
    leaving.abort(new Error('left'));
    await expect(gone).rejects.toThrow('left');
    lane.release(held);
    await Promise.all(waits);
    expect(order).toEqual(['a', 'b']);
  });

  it('gives nothing to one who has left before asking', async () => {
    const lane = countingLane(1);
    await expect(lane.acquire(AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(lane.connections()).toEqual([]);
  });

  it('tries again to open a connection that could not be opened', async () => {
    let tries = 0;
    const lane = new Lane(1, () =>
      ++tries === 1 ? Promise.reject(new Error('no')) : Promise.resolve(tries),
    );
    await expect(lane.acquire(never)).rejects.toThrow('no');
    expect((await lane.acquire(never)).connection).toBe(2);
  });

  it('replaces the connection of a slot', async () => {
    const lane = countingLane(1);
    const slot = await lane.acquire(never);
    await lane.reopen(slot);
    expect(lane.connections()).toEqual([2]);
  });
});
