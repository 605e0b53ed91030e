import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinStreams, type JoinBounds, type StreamJoin, type StreamJoinType } from './index.ts';
import { JoinHarness, multiset } from './join-harness.contract.ts';
import { expectAllPairs, StreamJoinOracle, type Row, type SideEvent } from './stream-join-oracle.contract.ts';

const RUNS = 1000;

function harness(type: StreamJoinType, bounds: JoinBounds): JoinHarness<StreamJoin<number, number>, Row> {
  return new JoinHarness((context, onResult) =>
    joinStreams<number, number>(context, { name: 'j', type, ...bounds, onResult }),
  );
}

function add({ join }: JoinHarness<StreamJoin<number, number>, Row>, event: SideEvent) {
  return join[event.side](event.key, event.id, event.timeMs);
}

/** Intervals of any kind: around the event, before it, after it, of one instant. */
const bounds: fc.Arbitrary<JoinBounds> = fc
  .record({ fromMs: fc.integer({ min: -12, max: 12 }), lengthMs: fc.nat(15), graceMs: fc.nat(12) })
  .map(({ fromMs, lengthMs, graceMs }) => ({
    beforeMs: 0 - fromMs,
    afterMs: fromMs + lengthMs,
    graceMs,
  }));

const events = fc
  .array(
    fc.record({
      side: fc.constantFrom('left' as const, 'right' as const),
      key: fc.constantFrom('a', 'b', 'a|1'),
      timeMs: fc.nat(60),
    }),
    { maxLength: 50, size: 'max' },
  )
  .map((list) => list.map((event, id): SideEvent => ({ ...event, id })));

type Action = 'nothing' | 'restart' | 'throw' | 'jump';
const actions = fc.constantFrom<Action[]>(
  'nothing',
  'nothing',
  'nothing',
  'nothing',
  'restart',
  'throw',
  'jump',
);

describe.each(['inner', 'left', 'outer'] as const)('%s join', (type) => {
  test('of events shuffled within the grace gives every pair once and the others alone', () => {
    const plans = fc.record({
      bounds,
      events,
      delays: fc.infiniteStream(fc.nat()),
      actions: fc.infiniteStream(actions),
    });
    fc.assert(
      fc.property(plans, (plan) => {
        const { graceMs } = plan.bounds;
        const arrivals = plan.events
          .map((event) => ({
            event,
            atMs: event.timeMs + ((plan.delays.next().value as number) % (graceMs + 1)),
          }))
          .sort((a, b) => a.atMs - b.atMs);
        const task = harness(type, plan.bounds);
        for (const { event } of arrivals) {
          expect(add(task, event).kind).toBe('ok');
          task.advance(event.timeMs);
          if (plan.actions.next().value === 'restart') task.restart();
        }
        task.advance(1000);
        expect(multiset(task.results)).toEqual(
          multiset(expectAllPairs(plan.events, { type, ...plan.bounds })),
        );
        expect(task.entries).toBe(0);
        expect(task.isPending).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  test('of events in any order gives what the rules say, and names those that are late', () => {
    const plans = fc.record({
      bounds,
      events,
      outOfOrderMs: fc.nat(20),
      jumpMs: fc.nat(30),
      actions: fc.infiniteStream(actions),
    });
    fc.assert(
      fc.property(plans, (plan) => {
        const task = harness(type, plan.bounds);
        const oracle = new StreamJoinOracle({ type, ...plan.bounds });
        const late: number[] = [];
        const advance = (watermarkMs: number) => {
          task.advance(watermarkMs);
          oracle.advance(watermarkMs);
        };
        for (const event of plan.events) {
          const action = plan.actions.next().value as Action;
          if (action === 'throw') task.rolledBack(() => add(task, { ...event, id: -1 }));
          if (add(task, event).kind === 'late') late.push(event.id);
          oracle.add(event);
          advance(event.timeMs - plan.outOfOrderMs);
          if (action === 'restart') task.restart();
          if (action === 'jump') advance(task.watermarkMs + plan.jumpMs);
          expect(task.isPending).toBe(oracle.isPending);
        }
        advance(1000);
        expect(multiset(task.results)).toEqual(multiset(oracle.expected.rows));
        expect(late).toEqual(oracle.expected.late);
        expect(task.entries).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});
