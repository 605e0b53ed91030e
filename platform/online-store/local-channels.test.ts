import { describe, expect, it } from 'vitest';
import { LocalChannels } from './local-channels.ts';

const delivered = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('LocalChannels', () => {
  it('delivers after the call that published, in order, also between two stores on one directory', async () => {
    const [one, two, elsewhere] = [new LocalChannels('/a'), new LocalChannels('/a'), new LocalChannels('/b')];
    const seen: string[] = [];
    one.subscribe('c', (message) => seen.push(message));
    two.publish('c', '1');
    one.publish('c', '2');
    elsewhere.publish('c', 'not here');
    expect(seen).toEqual([]);
    await delivered();
    expect(seen).toEqual(['1', '2']);
    one.close();
  });

  it('delivers nothing after the end of a subscription, not even what is under way', async () => {
    const channels = new LocalChannels('/a');
    const seen: string[] = [];
    const end = channels.subscribe('c', (message) => seen.push(message));
    channels.publish('c', '1');
    end();
    end();
    await delivered();
    expect(seen).toEqual([]);
  });

  it('ends all of its own subscriptions when it is closed, and no others', async () => {
    const [one, two] = [new LocalChannels('/a'), new LocalChannels('/a')];
    const seen: string[] = [];
    one.subscribe('c', () => seen.push('one'));
    two.subscribe('c', () => seen.push('two'));
    one.close();
    two.publish('c', 'x');
    await delivered();
    expect(seen).toEqual(['two']);
    two.close();
  });

  it('counts a function that is subscribed twice as two', async () => {
    const channels = new LocalChannels('/a');
    let seen = 0;
    const count = () => {
      seen++;
    };
    const end = channels.subscribe('c', count);
    channels.subscribe('c', count);
    end();
    channels.publish('c', 'x');
    await delivered();
    expect(seen).toBe(1);
    channels.close();
  });
});
