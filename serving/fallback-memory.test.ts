import { describe, expect, it } from 'vitest';
import type { VisitorId } from '../schemas/keys.ts';
import { createFallbackMemory } from './fallback-memory.ts';

const device = (id: string): readonly VisitorId[] => [{ kind: 'a', id }];
const viewed = (...items: string[]) => ({ viewed: items.map((itemId) => ({ itemId, atMs: 1 })), bought: [] });

describe('the fallback memory', () => {
  it('gives trending items, then popular ones, then what was viewed last', () => {
    const memory = createFallbackMemory();
    memory.rememberHistory(device('1'), viewed('b', 'a'));
    memory.rememberHistory(device('2'), viewed('c', 'b'));
    memory.rememberPopular(['p', 'b']);
    memory.rememberTrending({ asOfMs: 5, items: [{ itemId: 't', score: 1 }] });
    expect(memory.items()).toEqual(['t', 'p', 'b', 'c', 'a']);
  });

  it('keeps the last good trending list when an empty one comes', () => {
    const memory = createFallbackMemory();
    memory.rememberTrending({ asOfMs: 5, items: [{ itemId: 't', score: 1 }] });
    memory.rememberTrending({ asOfMs: 6, items: [] });
    expect(memory.lastTrending()?.asOfMs).toBe(5);
  });

  it('forgets the oldest items and histories beyond its capacity', () => {
    const memory = createFallbackMemory(2);
    for (const id of ['1', '2', '3']) memory.rememberHistory(device(id), viewed(`item-${id}`));
    expect(memory.items()).toEqual(['item-3', 'item-2']);
    expect(memory.lastHistory(device('1')).viewed).toEqual([]);
    expect(memory.lastHistory(device('3')).viewed).toHaveLength(1);
  });
});
