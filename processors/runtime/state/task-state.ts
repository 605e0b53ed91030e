import type { StepRecorder } from '../evidence/step-recorder.ts';
import { MillraceError } from '../../../platform/errors.ts';
import type { LogRecord, ProduceRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { ACCOUNT, TaskAccount } from '../audit/task-account.ts';
import { DuplicateFilter } from '../task/duplicate-filter.ts';
import { EVENT_TIME_HEADER } from '../task/read-head.ts';
import type { PutAside } from '../task/refusals.ts';
import type { Touches } from '../evidence/touches.ts';
import { EventTimers } from '../time/event-timers.ts';
import type { TimeScope } from '../time/time-scope.ts';
import type { StatefulPart, TimeReason } from '../stateful-part.ts';
import { readChangelog, type ChangelogSource, type RestoreProgress } from './changelog-reader.ts';
import { checkCompatible, checkDeclared, storedVersion, type Declaration } from './compatibility.ts';
import { KeyedStore, type StateChange, type StoreOptions } from './keyed-store.ts';
import { Outbox, OUTBOX, OUTBOX_OPTIONS } from './outbox.ts';
import { describeState, type StoreDescription } from './state-description.ts';
import type { StateMemory } from './state-memory.ts';
import { taskTime, type StoreEnvironment, type TaskTime } from './store-environment.ts';
import {
  decodeMeta,
  encodeMeta,
  isMeta,
  META_KEY,
  NO_META,
  type CommitMeta,
  type TaskMeta,
} from './task-meta.ts';
import { UndoLog } from './undo-log.ts';

export type { RestoreProgress } from './changelog-reader.ts';
export type { CommitMeta } from './task-meta.ts';

export interface TaskStateOptions {
  readonly taskId: string;
  /** Bound of the memory of all tasks of the process; unbounded where absent. */
  readonly memory?: StateMemory;
  /** Names of stores that are gone from the program: their entries are deleted. */
  readonly retired?: readonly string[];
}

/** A part, and whose time it follows; that of the whole task where absent. */
interface Timed {
  readonly part: StatefulPart;
  readonly scope: TimeScope | undefined;
  /** Who follows what it does, where that is recorded. */
  readonly recorder: StepRecorder | undefined;
}

/** How long a task remembers eventIds at least, by ingest time, and how many at most. */
export const REMEMBERED_MS = 24 * 3_600_000;
export const MAX_REMEMBERED_IDS = 4_000_000;
/** Key of the remembered eventIds among the stores. */
export const DUPLICATES = 'duplicates';
const SLASH = 0x2f;
/** Entries that one advance or tick deletes of a store at most. */
const EXPIRED_AT_ONCE = 1_000;
/** Of an entry of a store that nobody declares, only the key counts. */
const KEY_ONLY = { name: 'none', encode: () => Buffer.alloc(0), decode: () => true };

/**
 * All state of one task and its changelog. Entries are `store/key`; the entry `meta` is the last of each commit and says
 * what the others are. The processor declares its stores while it is made; then `restore` fills them, `ready` makes the
 * parts whole, and records, time and commits follow in turn.
 */
export class TaskState {
  readonly duplicates = new DuplicateFilter({ horizonMs: REMEMBERED_MS, maxIds: MAX_REMEMBERED_IDS });
  /** What the task read and said: for those who check the stores. */
  readonly account = new TaskAccount();
  readonly undo = new UndoLog();
  /** The rows of the last commit that follow its transaction. */
  readonly outbox: Outbox;
  /** Raised at each start, after fencing: a stale writer's versions are always lower. */
  taskEpoch = 0;

  readonly #env: StoreEnvironment;
  readonly #memory: StateMemory | undefined;
  readonly #stores = new Map<string, KeyedStore<unknown>>();
  /** Entries of the changelog that belong to no declared store. */
  readonly #undeclared = new Map<string, KeyedStore<unknown>>();
  readonly #declaration: Declaration;
  readonly #timed: KeyedStore<unknown>[] = [];
  readonly #parts: Timed[] = [];
  #meta = NO_META;
  /** Next offset of the changelog to read. */
  #position = 0;

  constructor({ taskId, memory, retired = [] }: TaskStateOptions) {
    const spillMap = memory?.spillMap;
    this.#memory = memory;
    this.#env = {
      taskId,
      time: taskTime(),
      undo: this.undo,
      ...(spillMap === undefined ? {} : { spillMap }),
    };
    this.#declaration = { taskId, stores: this.#stores, retired: new Set(retired) };
    this.outbox = new Outbox(this.store(OUTBOX, OUTBOX_OPTIONS));
  }

  /** What the last commit said, as far as it was restored. */
  get meta(): TaskMeta {
    return this.#meta;
  }

  /** What the program declares: whole when its processor has been made. */
  get declaration(): Declaration {
    return this.#declaration;
  }

  /** Entries over all stores, remembered eventIds included. */
  get size(): number {
    return sum(this.#stores, (store) => store.size) + this.duplicates.size;
  }

  /** Estimate of what the entries of all stores take in memory. */
  get bytes(): number {
    return sum(this.#stores, (store) => store.bytes);
  }

  /** Changed entries over all stores since the last commit. */
  get changes(): number {
    return sum(this.#stores, (store) => store.changes) + sum(this.#undeclared, (store) => store.changes);
  }

  /** Whether the passing of event time alone would make a part say something; given a scope, something that reaches it. */
  isPending(scope?: TimeScope): boolean {
    const reaches = (from: TimeScope | undefined) =>
      scope === undefined || from === undefined || from.isPartOf(scope);
    return this.#parts.some((timed) => reaches(timed.scope) && timed.part.isPending === true);
  }

  /** Event time as the stores see it. */
  get time(): TaskTime {
    return this.#env.time;
  }

  /** @param touches told what steps touch of it */
  store<V>(name: string, options: StoreOptions<V> = {}, touches?: Touches): KeyedStore<V> {
    this.#checkName(name);
    const env = touches === undefined ? this.#env : { ...this.#env, touches };
    const store = new KeyedStore<V>(name, options, env);
    this.#stores.set(name, store as KeyedStore<unknown>);
    if (options.ttlMs !== undefined) this.#timed.push(store as KeyedStore<unknown>);
    this.#memory?.add(store, `${this.#env.taskId}/${name}`);
    return store;
  }

  timers(
    name: string,
    onDue: (key: string, dueMs: number) => void,
    { scope, recorder }: { readonly scope?: TimeScope; readonly recorder?: StepRecorder | undefined } = {},
  ): EventTimers {
    const store = this.store<number>(name, { layout: 'timers' }, recorder?.touches);
    const timers = new EventTimers(store, onDue);
    this.attach(timers.byEventTime(), scope, recorder);
    return timers;
  }

  clockTimers(
    name: string,
    onDue: (key: string, dueMs: number) => void,
    recorder?: StepRecorder,
  ): EventTimers {
    const store = this.store<number>(name, { layout: 'clock-timers' }, recorder?.touches);
    const timers = new EventTimers(store, onDue);
    this.attach(timers.byClock(), undefined, recorder);
    return timers;
  }

  attach(part: StatefulPart, scope?: TimeScope, recorder?: StepRecorder): void {
    this.#parts.push({ part, scope, recorder });
  }

  /**
   * Reads the changelog to its end, from where the last call stopped: once before the start, or again and again to
   * follow its owner.
   * @throws MillraceError MR_STATE_INCOMPATIBLE, before most is read; MR_STATE_TOO_LARGE
   */
  async restore(
    kafka: ChangelogSource,
    changelog: TopicPartition,
    options: { readonly onProgress?: (progress: RestoreProgress) => void } = {},
  ): Promise<void> {
    this.#position = await readChangelog(kafka, changelog, {
      position: this.#position,
      found: (meta) => checkCompatible(this.#declaration, meta, () => false),
      take: (records) => {
        for (const record of records) this.#apply(record);
        this.#memory?.relieve();
      },
      ...options,
    });
    checkCompatible(this.#declaration, this.#meta, (name) => (this.#stores.get(name)?.size ?? 0) > 0);
    for (const [name, { size }] of this.#undeclared) if (size > 0) checkDeclared(this.#declaration, name);
  }

  /** Brings entries to the declared versions and makes the parts whole: after the last restore, before the first record. */
  ready(): void {
    const { time } = this.#env;
    time.watermarkMs = this.#meta.watermarkMs;
    time.eventTimeMs = Math.max(time.eventTimeMs, time.watermarkMs);
    this.undo.suspended(() => {
      for (const store of this.#stores.values()) store.ready(storedVersion(this.#meta, store));
      for (const store of this.#undeclared.values()) for (const [key] of store.entries()) store.delete(key);
      for (const { part, scope } of this.#parts) part.rebuild?.(scope?.watermarkMs ?? time.watermarkMs);
    });
  }

  /** Event time of the record that is about to be processed. */
  setRecordTime(eventTimeMs: number): void {
    const { time } = this.#env;
    if (eventTimeMs > time.eventTimeMs) time.eventTimeMs = eventTimeMs;
  }

  /** Fires timers and closes windows up to the watermark, or, in a scope of their own that has moved, up to that. */
  advance(watermarkMs: number, reason: TimeReason): void {
    const { time } = this.#env;
    time.watermarkMs = watermarkMs;
    this.setRecordTime(watermarkMs);
    this.undo.suspended(() => {
      for (const { part, scope, recorder } of this.#parts) {
        if (scope?.hasMoved === false) continue;
        const why = scope?.reason ?? reason;
        recorder?.partBegins('advance', why);
        part.advance?.(scope?.watermarkMs ?? watermarkMs, why);
        recorder?.end(false);
      }
      this.#expire();
    });
  }

  /** Lets the parts that follow the clock go on. */
  tick(nowMs: number): void {
    this.undo.suspended(() => {
      for (const { part, recorder } of this.#parts) {
        if (part.tick === undefined) continue;
        recorder?.partBegins('tick', 'idle');
        part.tick(nowMs);
        recorder?.end(false);
      }
      this.#expire();
    });
  }

  beforeCommit(): void {
    this.undo.suspended(() => {
      for (const { part, recorder } of this.#parts) {
        if (part.beforeCommit === undefined) continue;
        recorder?.partBegins('commit', 'watermark');
        part.beforeCommit();
        recorder?.end(false);
      }
    });
  }

  /**
   * The changes since the last call as records of the changelog. What does not fit in memory is then moved to disk.
   * @throws MillraceError MR_STATE_VALUE_TOO_LARGE, MR_STATE_TOO_LARGE
   */
  takeChanges(changelog: TopicPartition, meta: CommitMeta, nowMs: number): ProduceRecord[] {
    this.undo.clear();
    const records: ProduceRecord[] = [];
    const { topic, partition } = changelog;
    const put = (store: string, { key, value, writtenMs }: StateChange) =>
      records.push({
        ...{ topic, partition, key: `${store}/${key}`, value, timestampMs: nowMs },
        ...(writtenMs === undefined ? {} : { headers: { [EVENT_TIME_HEADER]: String(writtenMs) } }),
      });
    for (const [name, store] of [...this.#stores, ...this.#undeclared])
      store.drainChanges((change) => put(name, change));
    for (const change of this.duplicates.takeChanges()) put(DUPLICATES, change);
    for (const change of this.account.takeChanges(nowMs)) put(ACCOUNT, change);
    records.push({
      topic,
      partition,
      key: META_KEY,
      value: encodeMeta(this.#metaOf(meta)),
      timestampMs: nowMs,
    });
    this.#memory?.relieve();
    return records;
  }

  /** What the account says otherwise in the commit whose changes were taken last, since some of it was refused. */
  refused(
    aside: readonly PutAside[],
    place: {
      readonly changelog: TopicPartition;
      readonly topicName: (topic: string) => string;
      readonly now: () => number;
    },
  ): ProduceRecord[] {
    const nowMs = place.now();
    return this.account.refused(aside, place.topicName, nowMs).map(({ key, value }) => ({
      ...{ ...place.changelog, key: `${ACCOUNT}/${key}`, value },
      timestampMs: nowMs,
    }));
  }

  describe(): readonly StoreDescription[] {
    // The outbox is the engine's own.
    const stores = [...this.#stores.values()].filter(({ name }) => name !== OUTBOX);
    return describeState(stores, this.duplicates.size);
  }

  /** Gives memory and disk back; the state is of no use afterwards. */
  close(): void {
    for (const store of [...this.#stores.values(), ...this.#undeclared.values()]) {
      this.#memory?.remove(store);
      store.close();
    }
  }

  /** @throws MillraceError MR_TOPOLOGY_INVALID */
  #checkName(name: string): void {
    const isReserved = name.includes('/') || name === DUPLICATES || name === ACCOUNT || name === META_KEY;
    const fault = isReserved
      ? 'has a name that the engine uses, or one with a slash'
      : this.#stores.has(name)
        ? 'is declared twice: steps of one sub-topology share the names of their stores'
        : this.#declaration.retired.has(name)
          ? 'is declared and retired'
          : undefined;
    if (fault === undefined) return;
    const context = { store: name, task: this.#env.taskId };
    throw new MillraceError('MR_TOPOLOGY_INVALID', `the store ${name} of ${this.#env.taskId} ${fault}`, {
      context,
    });
  }

  #metaOf(meta: CommitMeta): TaskMeta {
    const stores = [...this.#stores.values()].map(
      ({ name, version, layout, size }) => [name, { version, layout, entries: size }] as const,
    );
    return { taskEpoch: this.taskEpoch, ...meta, stores: Object.fromEntries(stores) };
  }

  #expire(): void {
    for (const store of this.#timed) store.expire(EXPIRED_AT_ONCE);
  }

  #apply({ key, value, headers, timestampMs }: LogRecord): void {
    if (key === null) return;
    if (isMeta(key)) {
      // Without transactions an owner whose session has ended may write behind its successor: epochs never fall.
      if (value !== null) this.#meta = decodeMeta(value);
      this.taskEpoch = Math.max(this.taskEpoch, this.#meta.taskEpoch);
      return;
    }
    // Two strings and not a part of one: V8 would keep the whole key for it.
    const slash = key.indexOf(SLASH);
    const name = key.toString('utf8', 0, slash);
    const rest = key.toString('utf8', slash + 1);
    if (name === DUPLICATES) this.duplicates.restore(rest, value);
    else if (name === ACCOUNT) this.account.restore(rest, value, timestampMs);
    else {
      const written = headers[EVENT_TIME_HEADER];
      if (written !== undefined) this.setRecordTime(Number(written));
      this.#restoring(name).restore(rest, value, written === undefined ? timestampMs : Number(written));
    }
  }

  #restoring(name: string): KeyedStore<unknown> {
    const known = this.#stores.get(name) ?? this.#undeclared.get(name);
    if (known !== undefined) return known;
    const store = new KeyedStore<unknown>(name, { codec: KEY_ONLY }, this.#env);
    this.#undeclared.set(name, store);
    this.#memory?.add(store, `${this.#env.taskId}/${name}`);
    return store;
  }
}

function sum<T>(stores: ReadonlyMap<string, T>, of: (store: T) => number): number {
  let total = 0;
  for (const store of stores.values()) total += of(store);
  return total;
}
