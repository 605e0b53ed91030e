import { mkdir, statfs } from 'node:fs/promises';
import { availableMemory } from 'node:process';
import { MillraceError } from '../../platform/errors.ts';
import type { StackServiceKind } from './state.ts';

const MB = 1024 * 1024;
/** What Java takes beside the heap of a broker: code, threads, buffers. */
const BROKER_EXTRA_MB = 300;
const MEMORY_MB: Readonly<Record<Exclude<StackServiceKind, 'kafka'>, number>> = {
  redis: 50,
  postgres: 150,
  clickhouse: 500,
};
/** Empty data with its first write-ahead logs; what the user stores comes on top. */
const DISK_MB: Readonly<Record<StackServiceKind, number>> = {
  kafka: 100,
  redis: 20,
  postgres: 150,
  clickhouse: 100,
};

export interface Demand {
  readonly services: readonly StackServiceKind[];
  readonly brokers: number;
  readonly heapMb: number;
}

export interface Room {
  readonly memoryMb: number;
  readonly diskMb: number;
}

/** What servers that are about to start need at least. */
export function roomFor({ services, brokers, heapMb }: Demand): Room {
  let memoryMb = 0;
  let diskMb = 0;
  for (const service of services) {
    const copies = service === 'kafka' ? brokers : 1;
    memoryMb += copies * (service === 'kafka' ? heapMb + BROKER_EXTRA_MB : MEMORY_MB[service]);
    diskMb += copies * DISK_MB[service];
  }
  return { memoryMb, diskMb };
}

/** @throws MillraceError MR_STACK_ROOM_MISSING with what is needed and what is there */
export async function requireRoom(dir: string, demand: Demand): Promise<void> {
  await mkdir(dir, { recursive: true });
  const { bavail, bsize } = await statfs(dir);
  refuseTooLittle(roomFor(demand), {
    memoryMb: Math.floor(availableMemory() / MB),
    diskMb: Math.floor((bavail * bsize) / MB),
  });
}

/** @throws MillraceError MR_STACK_ROOM_MISSING */
export function refuseTooLittle(need: Room, free: Room): void {
  const faults = [
    ...(free.memoryMb < need.memoryMb ? [`${need.memoryMb} MB of memory, ${free.memoryMb} MB are free`] : []),
    ...(free.diskMb < need.diskMb ? [`${need.diskMb} MB of disk, ${free.diskMb} MB are free`] : []),
  ];
  if (faults.length === 0) return;
  throw new MillraceError('MR_STACK_ROOM_MISSING', `The servers need ${faults.join('; ')}.`, {
    context: { memoryMb: need.memoryMb, diskMb: need.diskMb },
  });
}
