import type { Aggregator } from '../aggregates/aggregator.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import { packingOf } from '../aggregates/accumulator-codec.ts';
import { DueKeys } from './due-queue.ts';
import { holdsAny, metBy, sessionsCodec, type Session, type Sessions } from './sessions.ts';
import type { OperatorOptions, Store, WindowOperator } from './window-operator.ts';
import type { WindowResult } from './window-result.ts';
import type { SessionWindow } from './window-spec.ts';

/**
 * Sessions: events of a key that are at most the gap apart, from the first to the last of them. An event may lengthen a
 * session and merge two. It is taken while the session that it ends up in has an end of at least
 * watermark - gap - grace; when the watermark reaches end + gap + grace, the session closes. (An event that comes
 * exactly then, and is alone, is still taken, as in Kafka Streams.)
 *
 * When a session whose result was emitted has got other bounds, the old result is taken back with its last value just
 * before the next one is emitted.
 */
export class SessionWindows<V, A, R> implements WindowOperator<V> {
  readonly #aggregator: Aggregator<V, A, R>;
  readonly #store: Store<Sessions<A>>;
  readonly #gapMs: number;
  readonly #closesAfterMs: number;
  readonly #tracksChanges: boolean;
  readonly #changedAfterRestart: boolean;
  readonly #onResult: (result: WindowResult<R>) => void;
  /** By the end of the first session of each key, or an earlier time. */
  readonly #due = new DueKeys();
  /** Sessions that end before this are closed, and an event alone before it is late. */
  #horizonMs = Number.NEGATIVE_INFINITY;
  /** Times of events since the last emission, by key: at least one in each session that has changed. */
  #changed = new Map<string, number[]>();

  constructor(options: OperatorOptions<V, A, R> & { readonly window: SessionWindow }) {
    const { context, name, layout, aggregator, window } = options;
    this.#aggregator = aggregator;
    this.#store = context.store(name, { layout, codec: sessionsCodec(layout, packingOf(aggregator)) });
    this.#gapMs = window.gapMs;
    this.#closesAfterMs = window.gapMs + window.graceMs;
    this.#tracksChanges = options.tracksChanges;
    this.#changedAfterRestart = options.changedAfterRestart;
    this.#onResult = (result) => options.onResult(result);
  }

  get isPending(): boolean {
    return this.#due.size > 0;
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    const sessions = this.#store.get(key) ?? [];
    const { from, to } = metBy(sessions, eventTimeMs, this.#gapMs);
    const endMs = Math.max(eventTimeMs, sessions[to - 1]?.lastMs ?? eventTimeMs);
    if (endMs < this.#horizonMs)
      return { kind: 'late', windowStartMs: eventTimeMs, windowEndMs: eventTimeMs };
    const met = from === to ? this.#begin(sessions, from, eventTimeMs) : this.#merge(sessions, from, to);
    met.accumulator = this.#aggregator.add(met.accumulator, value);
    met.firstMs = Math.min(met.firstMs, eventTimeMs);
    met.lastMs = endMs;
    this.#store.set(key, sessions);
    if (from === to) this.#due.offer(key, eventTimeMs);
    if (this.#tracksChanges) this.#markChanged(key, met, eventTimeMs);
    return OK;
  }

  rebuild(watermarkMs: number): void {
    this.#horizonMs = watermarkMs - this.#closesAfterMs;
    for (const [key, sessions] of this.#store.entries()) {
      const [first] = sessions;
      if (first === undefined) continue;
      this.#due.offer(key, first.lastMs);
      if (this.#changedAfterRestart)
        this.#changed.set(
          key,
          sessions.map(({ firstMs }) => firstMs),
        );
    }
  }

  advance(watermarkMs: number, reason: TimeReason): void {
    this.#horizonMs = Math.max(this.#horizonMs, watermarkMs - this.#closesAfterMs);
    for (let due = this.#due.popDue(this.#horizonMs); due; due = this.#due.popDue(this.#horizonMs)) {
      const sessions = this.#store.get(due.item) ?? [];
      // Lengthened meanwhile, it is due later.
      if (sessions[0]?.lastMs === due.dueMs) this.#close(due.item, sessions, reason);
      if (sessions[0] !== undefined) this.#due.offer(due.item, sessions[0].lastMs);
    }
  }

  emitChanged(reason: 'update' | 'early'): void {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [key, times] of changed) {
      const sessions = this.#store.get(key) ?? [];
      const open = sessions.filter((session) => holdsAny(session, times));
      for (const session of open) this.#emitOpen(key, session, reason);
      if (open.length > 0) this.#store.set(key, sessions);
    }
  }

  #begin(sessions: Sessions<A>, index: number, timeMs: number): Session<A> {
    const session = { firstMs: timeMs, lastMs: timeMs, accumulator: this.#aggregator.init(), emitted: [] };
    sessions.splice(index, 0, session);
    return session;
  }

  /** Merges neighbours into the first of them. */
  #merge(sessions: Sessions<A>, from: number, to: number): Session<A> {
    const into = sessions[from] as Session<A>;
    if (to - from === 1) return into;
    for (const { accumulator, emitted } of sessions.splice(from + 1, to - from - 1)) {
      into.accumulator = this.#aggregator.merge(into.accumulator, accumulator);
      into.emitted = [...into.emitted, ...emitted];
    }
    return into;
  }

  /** Emits the first session of a key for good and takes it out. */
  #close(key: string, sessions: Sessions<A>, reason: TimeReason): void {
    const session = sessions.shift();
    if (sessions.length === 0) this.#store.delete(key);
    else this.#store.set(key, sessions);
    if (session !== undefined) this.#emit(key, session, reason);
  }

  #emitOpen(key: string, session: Session<A>, reason: EmitReason): void {
    this.#emit(key, session, reason);
    const { firstMs, lastMs } = session;
    const accumulator = this.#aggregator.merge(this.#aggregator.init(), session.accumulator);
    session.emitted = [{ firstMs, lastMs, accumulator }];
  }

  #emit(key: string, session: Session<A>, reason: EmitReason): void {
    const { firstMs, lastMs, accumulator, emitted } = session;
    const result = (of: Pick<Session<A>, 'firstMs' | 'lastMs' | 'accumulator'>, why: EmitReason) =>
      this.#onResult({
        key,
        windowStartMs: of.firstMs,
        windowEndMs: of.lastMs,
        value: this.#aggregator.result(of.accumulator),
        reason: why,
        eventTimeMs: lastMs,
      });
    for (const old of emitted)
      if (old.firstMs !== firstMs || old.lastMs !== lastMs) result(old, 'retraction');
    result({ firstMs, lastMs, accumulator }, reason);
  }

  /** A time is enough for each session. */
  #markChanged(key: string, { firstMs, lastMs }: Session<A>, timeMs: number): void {
    const times = this.#changed.get(key);
    const latest = times?.[times.length - 1];
    if (times === undefined) this.#changed.set(key, [timeMs]);
    else if (latest === undefined || latest < firstMs || latest > lastMs) times.push(timeMs);
  }
}
