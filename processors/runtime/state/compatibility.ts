import { incompatibleState, replacingState } from './state-fault.ts';
import type { StoredLayout, TaskMeta } from './task-meta.ts';

/** A store as the program that runs declares it. */
export interface DeclaredStore {
  readonly name: string;
  readonly version: number;
  readonly layout: string;
  readonly canUpgrade: boolean;
}

export interface Declaration {
  readonly taskId: string;
  readonly stores: ReadonlyMap<string, DeclaredStore>;
  /** Names of stores whose entries are to be deleted. */
  readonly retired: ReadonlySet<string>;
}

/**
 * Stands among the stores of a meta while the entries are replaced. No store can have this name, so that programs from
 * before refuse such state too.
 */
const REPLACING = 'replacing/';

/** A meta that keeps the task from starting until its entries have been replaced. */
export function replacingMeta(meta: TaskMeta): TaskMeta {
  return { ...meta, stores: { [REPLACING]: { version: 1, layout: 'replacing', entries: 1 } } };
}

/** Whether a restore or a reset has begun and has not come to its end. */
export function isReplacing({ stores }: TaskMeta): boolean {
  return stores?.[REPLACING] !== undefined;
}

/** State from before versions were written. */
const FIRST_VERSION = 1;

/**
 * Whether the program can take over the state that was written.
 * @param hasEntries whether there are entries of a store, as far as the state does not say so itself
 * @throws MillraceError MR_STATE_INCOMPATIBLE, MR_STATE_REPLACING
 */
export function checkCompatible(
  declaration: Declaration,
  stored: TaskMeta,
  hasEntries: (store: string) => boolean,
): void {
  if (isReplacing(stored)) throw replacingState(`task ${declaration.taskId}`);
  for (const store of declaration.stores.values()) {
    const known = stored.stores?.[store.name];
    if (known !== undefined) {
      checkLayout(declaration, store, known);
      checkVersion(declaration, store, known.version);
    } else if (stored.stores === undefined && hasEntries(store.name))
      checkVersion(declaration, store, FIRST_VERSION);
  }
  for (const [name, { entries }] of Object.entries(stored.stores ?? {})) {
    if (entries > 0) checkDeclared(declaration, name);
  }
}

/** @throws MillraceError MR_STATE_INCOMPATIBLE where nobody declares or retires a store that has entries */
export function checkDeclared({ taskId, stores, retired }: Declaration, name: string): void {
  if (stores.has(name) || retired.has(name)) return;
  throw incompatibleState(
    { taskId, store: name },
    {
      reason: 'it has entries, and this program does not declare it',
      ways: 'declare it again, or list it in `retired` to delete them',
    },
  );
}

/** Version of the entries of a store, which are compatible. */
export function storedVersion(stored: TaskMeta, store: DeclaredStore): number {
  if (stored.stores === undefined) return FIRST_VERSION;
  return stored.stores[store.name]?.version ?? store.version;
}

function checkLayout({ taskId }: Declaration, store: DeclaredStore, known: StoredLayout): void {
  if (known.layout === store.layout) return;
  throw incompatibleState(
    { taskId, store: store.name },
    {
      reason: `it was written as ${known.layout}, and this program has ${store.layout}`,
      ways: 'give it a new name and list the old one in `retired`',
    },
    { context: { stored: known.layout, declared: store.layout } },
  );
}

function checkVersion({ taskId }: Declaration, store: DeclaredStore, storedVersion: number): void {
  const isOlder = storedVersion < store.version;
  if (storedVersion === store.version || (isOlder && store.canUpgrade)) return;
  throw incompatibleState(
    { taskId, store: store.name },
    {
      reason: `it was written at version ${storedVersion}, and this program has version ${store.version}`,
      ...(isOlder ? { ways: 'give it an `upgrade`, or a new name and list the old one in `retired`' } : {}),
    },
    { context: { stored: storedVersion, declared: store.version } },
  );
}
