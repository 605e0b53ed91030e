/** Writes down which faults are in the traffic, so that the alerts can be judged. */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PublicEvent } from '../public-event.ts';
import type { PlantedFault } from './planned-event.ts';

/** Follows events from their creation to their acknowledgement, and says when a fault is in the log as a whole. */
export interface FaultTracker {
  /** Events that will be sent, and faults that are complete with them or with earlier ones. */
  add(events: readonly PublicEvent[], faults: readonly PlantedFault[]): void;
  /**
   * An event is acknowledged: the faults that became complete by it. Their `expectedByMs` allows for acknowledgements
   * that came late. A fault with an event that is never acknowledged never completes.
   */
  acknowledged(eventId: string, atMs: number): readonly PlantedFault[];
}

/** `marginMs`: the time the processors have for an alert, here counted from the last acknowledgement. */
export function createFaultTracker(marginMs: number): FaultTracker {
  const pending = new Set<string>();
  const incomplete = new Map<PlantedFault, Set<string>>();
  return {
    add(events, faults) {
      for (const { eventId } of events) pending.add(eventId);
      for (const fault of faults) {
        incomplete.set(fault, new Set(fault.eventIds.filter((eventId) => pending.has(eventId))));
      }
    },
    acknowledged(eventId, atMs) {
      pending.delete(eventId);
      const complete: PlantedFault[] = [];
      for (const [fault, missing] of incomplete) {
        missing.delete(eventId);
        if (missing.size > 0) continue;
        incomplete.delete(fault);
        complete.push({ ...fault, expectedByMs: Math.max(fault.expectedByMs, atMs + marginMs) });
      }
      return complete;
    },
  };
}

export interface GroundTruth {
  /** Adds lines and waits until they are on the disk. */
  write(faults: readonly PlantedFault[]): Promise<void>;
  close(): Promise<void>;
}

/** Appends faults as JSON lines. Without a path nothing is kept. */
export async function openGroundTruth(path: string | undefined): Promise<GroundTruth> {
  if (path === undefined) return { write: async () => undefined, close: async () => undefined };
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a');
  return {
    async write(faults) {
      if (faults.length === 0) return;
      await file.appendFile(faults.map((fault) => `${JSON.stringify(fault)}\n`).join(''));
      await file.datasync();
    },
    close: () => file.close(),
  };
}
