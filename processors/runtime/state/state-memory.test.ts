import { expect, test } from 'vitest';
import { memorySpill } from './memory-spill.contract.ts';
import { StateMemory } from './state-memory.ts';

const MIB = 1024 * 1024;

function fakeStore(bytes: number, evictable = bytes) {
  return {
    bytes,
    evict(wanted: number): number {
      const freed = Math.min(wanted, evictable);
      this.bytes -= freed;
      return freed;
    },
  };
}

test('counts the stores that it was given', () => {
  const memory = new StateMemory({ limitBytes: 100 });
  const a = fakeStore(40);
  memory.add(a, 't/a');
  memory.add(fakeStore(50), 't/b');
  expect(memory.usedBytes).toBe(90);
  memory.relieve();
  memory.remove(a);
  expect(memory.usedBytes).toBe(50);
});

test('without a disk, too much is an error that says which stores and what to do', () => {
  const memory = new StateMemory({ limitBytes: 100 * MIB });
  memory.add(fakeStore(30 * MIB), 'visitor-1/seen');
  memory.add(fakeStore(90 * MIB), 'items-0/scores');
  expect(() => memory.relieve()).toThrow(
    expect.objectContaining({
      code: 'MR_STATE_TOO_LARGE',
      message:
        'the state of the tasks here takes about 120 MB and may take 100 MB; the largest stores are items-0/scores (90 MB), visitor-1/seen (30 MB)',
      fix: expect.stringMatching(/MR_STATE_MEMORY_MB.*ttlMs.*maxEntries.*instances.*lmdb/) as string,
    }),
  );
});

test('takes from the largest store first, a little more than is too much', () => {
  const memory = new StateMemory({ limitBytes: 160 * MIB, spill: memorySpill() });
  const [small, large] = [fakeStore(60 * MIB), fakeStore(110 * MIB)];
  memory.add(small, 't/small');
  memory.add(large, 't/large');
  memory.relieve();
  expect([small.bytes, large.bytes]).toEqual([60 * MIB, 99.5 * MIB]);
});

test('goes on with the next store where the largest cannot give enough, and leaves it at that', () => {
  const memory = new StateMemory({ limitBytes: 160 * MIB, spill: memorySpill() });
  const [small, large] = [fakeStore(60 * MIB, 5 * MIB), fakeStore(110 * MIB, 4 * MIB)];
  memory.add(small, 't/small');
  memory.add(large, 't/large');
  memory.relieve();
  expect([small.bytes, large.bytes]).toEqual([55 * MIB, 106 * MIB]);
});
