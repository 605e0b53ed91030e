import { describe, expect, it } from 'vitest';
import { partitionFor } from '../../platform/kafka/partitioner.ts';
import { EDGE_CASES } from './edge-cases.ts';
import { encodeEvent, generateInput, isSentinelKey, type InputEvent } from './generate-input.ts';
import { JOB_TIMES } from './jobs.ts';

const PARTITIONS = 4;
const input = generateInput({ seed: 1 });
const both = [...input.left, ...input.right];

const ofPartition = (events: readonly InputEvent[], partition: number) =>
  events.filter((event) => event.partition === partition);

/** Each event with the greatest event time of its partition when it comes, itself included. */
function withStreamTime(events: readonly InputEvent[]) {
  const times = new Map<number, number>();
  return events.map((event) => {
    const streamTimeMs = Math.max(times.get(event.partition) ?? 0, event.eventTimeMs);
    times.set(event.partition, streamTimeMs);
    return { event, latenessMs: streamTimeMs - event.eventTimeMs };
  });
}

/** The two sides of a partition as a task reads them: always the earlier of the two that come next. */
function merged(partition: number): readonly InputEvent[] {
  const left = ofPartition(input.left, partition);
  const right = ofPartition(input.right, partition);
  const order: InputEvent[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const isLeft = (left[l]?.eventTimeMs ?? Infinity) < (right[r]?.eventTimeMs ?? Infinity);
    order.push(isLeft ? left[l++]! : right[r++]!);
  }
  return order;
}

describe('generateInput', () => {
  it('gives the same for the same seed and something else for another', () => {
    const options = { seed: 7, eventsPerSide: 200 };
    expect(generateInput(options)).toEqual(generateInput(options));
    expect(generateInput({ ...options, seed: 8 })).not.toEqual(generateInput(options));
  });

  it('gives 20,000 random events of each side, in partitions as Java chooses them', () => {
    for (const events of [input.left, input.right]) {
      const random = events.filter(({ key }) => !isSentinelKey(key) && !key.startsWith('edge-'));
      expect(random).toHaveLength(20_000);
      expect(new Set(events.map((event) => event.partition)).size).toBe(PARTITIONS);
      expect(events.every((event) => event.partition === partitionFor(event.key, PARTITIONS))).toBe(true);
    }
    expect(new Set(both.map((event) => event.id)).size).toBe(both.length);
  });

  it('has times that events of a side share', () => {
    for (const events of [input.left, input.right])
      expect(
        new Set(events.map(({ partition, eventTimeMs }) => `${partition}/${eventTimeMs}`)).size,
      ).toBeLessThan(events.length - 100);
  });

  it('has no time that both sides of a partition have', () => {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const left = new Set(ofPartition(input.left, partition).map((event) => event.eventTimeMs));
      const shared = ofPartition(input.right, partition).filter((event) => left.has(event.eventTimeMs));
      expect(shared).toEqual([]);
    }
  });

  it('ends every partition of both sides with a sentinel, far beyond all else', () => {
    for (const events of [input.left, input.right]) {
      const rest = events.filter(({ key }) => !isSentinelKey(key));
      const lastMs = Math.max(...rest.map((event) => event.eventTimeMs));
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const last = ofPartition(events, partition).at(-1);
        expect(isSentinelKey(last?.key ?? '')).toBe(true);
        expect(last?.eventTimeMs).toBeGreaterThan(lastMs + 1_000_000);
      }
      expect(events.length - rest.length).toBe(PARTITIONS);
    }
  });

  it('has some keys that are much busier than the usual one', () => {
    const counts = new Map<string, number>();
    for (const { key } of input.left) counts.set(key, (counts.get(key) ?? 0) + 1);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    expect(sorted[0]).toBeGreaterThan(40 * sorted[Math.floor(sorted.length / 2)]!);
  });

  it('is late around the moment when windows and sessions close', () => {
    const { windowMs, graceMs } = JOB_TIMES;
    const late = withStreamTime(input.left).filter(({ latenessMs }) => latenessMs > graceMs);
    expect(late.filter(({ latenessMs }) => latenessMs < windowMs + graceMs).length).toBeGreaterThan(500);
    expect(late.filter(({ latenessMs }) => latenessMs >= 2 * (windowMs + graceMs)).length).toBeGreaterThan(
      200,
    );
  });

  it('shuffles what joins by no more than the distance of the join, or hopelessly', () => {
    const { joinDistanceMs, graceMs } = JOB_TIMES;
    // What one side keeps for the other: both distances and the grace.
    const keptMs = 2 * joinDistanceMs + graceMs;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const shared = withStreamTime(merged(partition)).filter(({ event }) => event.key.startsWith('both-'));
      const between = shared.filter(
        ({ latenessMs }) => latenessMs > joinDistanceMs && latenessMs < 2 * (keptMs + joinDistanceMs),
      );
      expect(between).toEqual([]);
      expect(shared.filter(({ latenessMs }) => latenessMs > joinDistanceMs).length).toBeGreaterThan(20);
    }
  });

  it('has every edge case at least twice', () => {
    const keys = new Set(both.map(({ key }) => key));
    for (const { name } of EDGE_CASES)
      expect([`edge-${name}-0`, `edge-${name}-1`].every((key) => keys.has(key))).toBe(true);
  });

  it('meets the stream time that an edge case of windows and sessions is about, to the millisecond', () => {
    const left = withStreamTime(input.left);
    const ascending = (a: number, b: number) => a - b;
    for (const { name, events } of EDGE_CASES.filter((edge) => !edge.name.startsWith('join-'))) {
      const made = left.filter(({ event }) => event.key === `edge-${name}-1`);
      const meant = events.map(({ atMs, arrivesAtMs }) => arrivesAtMs - atMs);
      expect(made.map(({ latenessMs }) => latenessMs).sort(ascending)).toEqual(meant.sort(ascending));
    }
  });

  it('works for a few events and for another number of partitions', () => {
    const { left } = generateInput({ seed: 1, eventsPerSide: 10, partitions: 1 });
    expect(left.every((event) => event.partition === 0)).toBe(true);
    expect(left.length).toBeGreaterThan(10);
  });
});

it('writes event time, value and id', () => {
  const event = { key: 'a', partition: 0, eventTimeMs: 5, value: -7, id: 'left-1' };
  expect(encodeEvent(event).toString()).toBe('{"t":5,"v":-7,"id":"left-1"}');
});
