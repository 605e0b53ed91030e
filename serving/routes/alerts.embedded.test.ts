import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALERT_CHANNEL } from '../../schemas/keys.ts';
import { alertNotice, startServing, type Harness } from '../harness.contract.ts';

let harness: Harness;
let url: string;
beforeEach(async () => {
  harness = await startServing();
  url = await harness.serving.listen();
});
afterEach(() => harness.close());

interface Stream {
  /** The next event, as its field lines. */
  next(): Promise<{ event: string; id: string; data: string } | null>;
  stop(): void;
}

async function open(headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  const abort = new AbortController();
  const response = await fetch(`${url}/v1/alerts/stream`, { headers, signal: abort.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  if (response.body === null) throw new Error('the stream has no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  return {
    async next() {
      while (!buffer.includes('\n\n')) {
        const { value, done } = await reader.read();
        if (done) return null;
        buffer += value;
      }
      const end = buffer.indexOf('\n\n');
      const lines = new Map(
        buffer
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const),
      );
      buffer = buffer.slice(end + 2);
      return { event: lines.get('event') ?? '', id: lines.get('id') ?? '', data: lines.get('data') ?? '' };
    },
    stop: () => abort.abort(),
  };
}

const publish = (alertId: string) =>
  harness.store.publish(ALERT_CHANNEL, JSON.stringify(alertNotice(alertId)));

describe('GET /v1/alerts', () => {
  it('merges the partitions, newest first, each alert once', async () => {
    await harness.alerts(0, [alertNotice('b', 10), alertNotice('d', 30)]);
    await harness.alerts(3, [alertNotice('a', 0), alertNotice('c', 20), alertNotice('b', 10)]);
    const { body } = await harness.get<{ alerts: { alertId: string }[] }>('/v1/alerts?limit=3');
    expect(body.alerts.map((alert) => alert.alertId)).toEqual(['a', 'b', 'c']);
  });

  it('is empty and says so while the store is down', async () => {
    await harness.store.close();
    expect((await harness.get('/v1/alerts')).body).toEqual({ alerts: [], degraded: true });
  });
});

describe('GET /v1/alerts/stream', () => {
  it('sends what is raised to every client', async () => {
    const streams = [await open(), await open()];
    for (const stream of streams) expect((await stream.next())?.event).toBe('hello');
    await harness.store.publish(ALERT_CHANNEL, 'no alert');
    await publish('new');
    for (const stream of streams) {
      const event = await stream.next();
      expect(event).toMatchObject({ event: 'alert', id: 'new' });
      expect(JSON.parse(event?.data ?? '')).toEqual(alertNotice('new'));
      stream.stop();
    }
  });

  it('replays what was missed since Last-Event-ID, oldest first, before what is new', async () => {
    await harness.alerts(0, [alertNotice('c', 0), alertNotice('a', 20)]);
    await harness.alerts(1, [alertNotice('b', 10)]);
    const stream = await open({ 'last-event-id': 'a' });
    const events = [await stream.next(), await stream.next(), await stream.next()];
    expect(events.map((event) => event?.id)).toEqual(['', 'b', 'c']);
    await publish('d');
    expect((await stream.next())?.id).toBe('d');
    stream.stop();
  });

  it('replays all recent alerts for an id that is no longer known', async () => {
    await harness.alerts(0, [alertNotice('b', 0), alertNotice('a', 20)]);
    const stream = await open({ 'last-event-id': 'long-gone' });
    const events = [await stream.next(), await stream.next(), await stream.next()];
    expect(events.map((event) => event?.id)).toEqual(['', 'a', 'b']);
    stream.stop();
  });

  it('ends cleanly when the stage closes, and lets go of clients that leave', async () => {
    const [left, stays] = [await open(), await open()];
    await stays.next();
    await left.next();
    expect(harness.serving.parts.hub.clients).toBe(2);
    left.stop();
    await expect.poll(() => harness.serving.parts.hub.clients).toBe(1);
    await harness.serving.close();
    expect(await stays.next()).toBeNull();
  });
});
