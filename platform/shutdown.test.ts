import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from './log.ts';
import { Lifetime, untilSignal } from './shutdown.ts';

describe('Lifetime', () => {
  const part = (name: string, closed: string[], failure?: Error) => ({
    close: async () => {
      closed.push(name);
      if (failure !== undefined) throw failure;
    },
  });

  it('closes the newest first, each once, however often it is asked', async () => {
    const closed: string[] = [];
    const lifetime = new Lifetime(silentLogger());
    for (const name of ['log', 'store', 'server']) lifetime.add(name, part(name, closed));
    await Promise.all([lifetime.close(), lifetime.close()]);
    await lifetime.close();
    expect(closed).toEqual(['server', 'store', 'log']);
  });

  it('waits for one part before it closes the next', async () => {
    const closed: string[] = [];
    const lifetime = new Lifetime(silentLogger());
    lifetime.add('first', part('first', closed));
    lifetime.add('slow', {
      close: async () => {
        await Promise.resolve();
        closed.push('slow');
      },
    });
    await lifetime.close();
    expect(closed).toEqual(['slow', 'first']);
  });

  it('logs a part that fails to close and closes the others', async () => {
    const closed: string[] = [];
    const lines: string[] = [];
    const lifetime = new Lifetime(pino({}, { write: (line: string) => lines.push(line) }));
    lifetime.add('log', part('log', closed));
    lifetime.add('store', part('store', closed, new Error('stuck')));
    await lifetime.close();
    expect(closed).toEqual(['store', 'log']);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { part: 'store', error: 'stuck' },
    ]);
  });

  it('gives the part back', () => {
    const server = { close: () => Promise.resolve(), port: 1 };
    expect(new Lifetime(silentLogger()).add('server', server).port).toBe(1);
  });

  it('closes a part that is added while it closes: a start that was interrupted', async () => {
    const closed: string[] = [];
    const lifetime = new Lifetime(silentLogger());
    lifetime.add('log', part('log', closed));
    const closing = lifetime.close();
    lifetime.add('late', part('late', closed));
    await closing;
    lifetime.add('later', part('later', closed));
    await lifetime.close();
    expect(closed).toEqual(['log', 'late', 'later']);
  });
});

describe('untilSignal', () => {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  afterEach(() => {
    for (const signal of signals) process.removeAllListeners(signal);
    vi.restoreAllMocks();
  });

  it.each(signals)('resolves with %s, and a second signal ends the process', async (signal) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as () => never);
    const signalled = untilSignal();
    process.emit(signal, signal);
    expect(await signalled).toBe(signal);
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGINT', 'SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
  });
});
