import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

const STEP_BYTES = 1024 * 1024;
const zeros = Buffer.alloc(STEP_BYTES);

/** A file whose room is taken from the disk before somebody else writes into it. */
export interface ReservedFile {
  readonly bytes: number;
  /**
   * Makes the file at least so long, with zeros behind its end.
   * @throws what the system says where the disk has no room; the file is then as it was
   */
  reserve(bytes: number): void;
  close(): void;
}

/** The file must be there, and what it holds stays as it is. */
export function openReservedFile(path: string): ReservedFile {
  const descriptor = openSync(path, 'r+');
  let size = fstatSync(descriptor).size;

  const extend = (target: number) => {
    for (let end = size; end < target; )
      end += writeSync(descriptor, zeros, 0, Math.min(STEP_BYTES, target - end), end);
  };
  return {
    get bytes() {
      return size;
    },
    reserve(bytes) {
      if (bytes <= size) return;
      size = fstatSync(descriptor).size; // what others wrote behind the end is theirs
      const target = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
      try {
        extend(target);
      } catch (error) {
        ftruncateSync(descriptor, size); // the rest of the disk is for others
        throw error;
      }
      size = target;
    },
    close: () => closeSync(descriptor),
  };
}
