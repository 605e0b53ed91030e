import { expect, it } from 'vitest';
import { refuseTooLittle, roomFor } from './room.ts';

it('counts every broker with its heap', () => {
  const one = roomFor({ services: ['kafka', 'redis'], brokers: 1, heapMb: 512 });
  const three = roomFor({ services: ['kafka', 'redis'], brokers: 3, heapMb: 512 });
  expect(three.memoryMb - one.memoryMb).toBe(2 * (512 + 300));
  expect(three.diskMb - one.diskMb).toBe(200);
  expect(roomFor({ services: [], brokers: 3, heapMb: 512 })).toEqual({ memoryMb: 0, diskMb: 0 });
});

it('says what is needed and what is there', () => {
  const need = { memoryMb: 3000, diskMb: 300 };
  expect(() => refuseTooLittle(need, { memoryMb: 3000, diskMb: 300 })).not.toThrow();
  const refusal = () => refuseTooLittle(need, { memoryMb: 2999, diskMb: 10 });
  expect(refusal).toThrow(expect.objectContaining({ code: 'MR_STACK_ROOM_MISSING' }));
  expect(refusal).toThrow('3000 MB of memory, 2999 MB are free; 300 MB of disk, 10 MB are free');
});
