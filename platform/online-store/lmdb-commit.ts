import type { RootDatabase } from 'lmdb';

/**
 * Runs the action in one write transaction and resolves after the commit.
 * @throws what the system said where the commit failed: lmdb puts that into a promise beside its error, which must be
 * looked at, or it ends the process as a rejection that nobody handled
 */
export async function commit<T>(root: RootDatabase, action: () => T): Promise<T> {
  try {
    return await root.transaction(action);
  } catch (error) {
    if (error instanceof Error && 'commitError' in error) await error.commitError;
    throw error;
  }
}
