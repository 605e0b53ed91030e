import type { EngineInfo } from '../engine-info.ts';

/**
 * The online store port: the atomic operations that serving needs, in front of Redis or LMDB. Keys are built in
 * schemas/keys.ts. Keys, values and messages are text; half a surrogate pair comes back as U+FFFD. Every call has a
 * deadline, counted from the call, and rejects with MR_ONLINE_STORE_UNAVAILABLE when it passes: what it was to write may
 * then have been written or not. online-store.contract.ts holds both engines to it; docs/online-store.md says what an
 * answer promises.
 */

export interface VersionedWrite {
  readonly key: string;
  /** null deletes the value but keeps the version, so that an older write cannot bring it back. */
  readonly value: string | null;
  /** Safe integer: taskEpoch · 2^40 + emission. A write with a version not above the stored one changes nothing. */
  readonly version: number;
  readonly ttlMs: number;
  /** Who writes it, such as a task: letters, digits, `.`, `_` and `-`, 100 at most. Tells what belongs to whom. */
  readonly owner?: string;
}

/** A write that depends on what is there. */
export interface ConditionalWrite extends VersionedWrite {
  /** Version that must be stored; null where none must be. */
  readonly expected: number | null;
}

/** A versioned key without its value. */
export interface StoredHead {
  readonly key: string;
  readonly version: number;
  /** Null where the writer did not say. */
  readonly owner: string | null;
  readonly isDeleted: boolean;
}

/** A versioned key as it is stored. */
export interface StoredRecord extends StoredHead {
  /** Null where it was deleted. */
  readonly value: string | null;
}

export interface OnlineStore {
  readonly kind: 'redis' | 'lmdb';
  /** Each entry is compared and set atomically; the answer says for each whether it was applied. */
  setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]>;
  /** Each entry is compared and set atomically; the answer says for each whether it was set. */
  setIfVersion(writes: readonly ConditionalWrite[]): Promise<readonly boolean[]>;
  /** The values of versioned keys, null where absent, in one round trip. */
  readMany(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** The same with version and owner; null where a key is absent or expired. */
  readRecords(keys: readonly string[]): Promise<readonly (StoredRecord | null)[]>;
  /**
   * All versioned keys, a few at a time, in no order. What is there all the while comes at least once; what is written or
   * deleted meanwhile may be left out. What a hand has put there and is no record comes with version 0 and without an
   * owner. Each step has the deadline of a call.
   */
  scan(): AsyncIterable<readonly StoredHead[]>;
  /** True when the key was absent and is now set: leases, first-seen checks. Separate from versioned keys. */
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>;
  /** Like setIfAbsent for many keys in one round trip. */
  setManyIfAbsent(keys: readonly string[], ttlMs: number): Promise<readonly boolean[]>;
  /** Gives a key of setIfAbsent a new time to live, counted from now, if it still has this value. */
  renewLease(key: string, value: string, ttlMs: number): Promise<boolean>;
  /** Deletes a key of setIfAbsent if it still has this value. */
  releaseLease(key: string, value: string): Promise<boolean>;
  delete(keys: readonly string[]): Promise<void>;
  /** Best-effort notification to the subscribers of now; also across processes with Redis. */
  publish(channel: string, message: string): Promise<void>;
  /**
   * Resolves when messages flow; the answer ends the subscription. Messages of one publisher come in their order. It
   * outlives a lost connection; what was published meanwhile does not come.
   */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>>;
  ping(timeoutMs: number): Promise<void>;
  /** What answers, in one round trip. */
  info(timeoutMs: number): Promise<EngineInfo>;
  close(): Promise<void>;
}
