import { hasCode } from '../platform/errors.ts';

/** null where the online store is down; every other error goes on. */
export async function unlessStoreDown<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, 'MR_ONLINE_STORE_UNAVAILABLE')) return null;
    throw error;
  }
}
