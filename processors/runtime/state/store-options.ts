import { MillraceError } from '../../../platform/errors.ts';
import type { Codec } from '../codec.ts';

export interface StoreOptions<V = unknown> {
  /** How values become bytes of the changelog; JSON where absent. */
  readonly codec?: Codec<V>;
  /**
   * Bounds the store: beyond it the entries written longest ago are forgotten, in the changelog too. Unbounded where
   * absent; use it only where the entries end by themselves (windows, timers, `ttlMs`).
   */
  readonly maxEntries?: number;
  /**
   * Event time since the last write after which an entry is gone, by the watermark before the record: at once for whoever
   * reads it, a little later in memory and in the changelog.
   */
  readonly ttlMs?: number;
  /** Of the values' meaning; 1 where absent. Raise it, and say how to `upgrade`, when they change. */
  readonly version?: number;
  /** Describes state that the engine makes, such as `tumbling(60000)/count`: state of another layout is refused. */
  readonly layout?: string;
  /**
   * Makes a value of an older version one of this; undefined drops the entry. Called once for each entry of the older
   * version, before the first record.
   */
  readonly upgrade?: (value: unknown, fromVersion: number) => V | undefined;
}

/** An entry for the changelog; a null value is a deletion. */
export interface StateChange {
  readonly key: string;
  readonly value: Buffer | null;
  /** Event time of the write, where the store keeps it. */
  readonly writtenMs?: number;
}

/** @throws MillraceError MR_TOPOLOGY_INVALID */
export function checkStoreOptions(
  name: string,
  { maxEntries, ttlMs, version }: Pick<StoreOptions, 'maxEntries' | 'ttlMs' | 'version'>,
): void {
  for (const [option, value] of Object.entries({ maxEntries, ttlMs, version })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new MillraceError(
      'MR_TOPOLOGY_INVALID',
      `the store ${name} has ${option} ${value}; a whole number of at least 1 is needed`,
      { context: { store: name } },
    );
  }
}
