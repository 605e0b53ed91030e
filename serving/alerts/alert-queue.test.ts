import { describe, expect, it } from 'vitest';
import type { AlertNotice } from '../../schemas/keys.ts';
import { createAlertQueue } from './alert-queue.ts';

const alert = (alertId: string) => ({ alertId }) as AlertNotice;

describe('the queue of one client', () => {
  it('hands alerts out in order, also to a reader that waits', async () => {
    const queue = createAlertQueue(10);
    const waiting = queue.next();
    queue.push(alert('1'));
    queue.push(alert('2'));
    expect([(await waiting)?.alertId, (await queue.next())?.alertId]).toEqual(['1', '2']);
    expect(queue.takeDropped()).toBe(0);
  });

  it('keeps the latest for a slow client and tells how many it missed, once', async () => {
    const queue = createAlertQueue(2);
    for (const id of ['1', '2', '3', '4', '5']) queue.push(alert(id));
    expect((await queue.next())?.alertId).toBe('4');
    expect(queue.takeDropped()).toBe(3);
    expect(queue.takeDropped()).toBe(0);
  });

  it('ends a waiting reader when it is closed, after what is left', async () => {
    const queue = createAlertQueue(2);
    queue.push(alert('1'));
    queue.close();
    queue.push(alert('2'));
    expect((await queue.next())?.alertId).toBe('1');
    expect(await queue.next()).toBeNull();

    const other = createAlertQueue(2);
    const waiting = other.next();
    other.close();
    expect(await waiting).toBeNull();
  });
});
