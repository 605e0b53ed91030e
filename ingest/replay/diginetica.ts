/**
 * Sessions of the Diginetica data set (CIKM Cup 2016), preprocessed as one session a line: item ids in the order of
 * the clicks. The lines have no times: session n starts n seconds after a fixed day, its clicks are 30 s apart.
 */
import type { ProductViewed } from '../../schemas/generated/events.ts';
import { findDataFile, readLines } from './data-file.ts';
import { BATCH_EVENTS, badRow, replayEventId, type ReadBatches } from './replay-event.ts';

const SOURCE = 'replay-diginetica';
const FILE_NAMES = ['train_sessions.txt'];
const SESSIONS_START_MS = Date.UTC(2016, 0, 1);
const SECOND_MS = 1000;
const CLICK_GAP_SECONDS = 30;
const MAX_CLICKS = 10_000;
const ITEM_ID = /^[A-Za-z0-9_-]{1,64}$/;

type Click = Omit<ProductViewed, 'ingestTime'>;

/** The source's reader. @throws MillraceError MR_REPLAY_NOT_FOUND. */
export function readDiginetica(path: string): ReadBatches {
  const file = findDataFile(path, FILE_NAMES);
  return (onBadRow) => batches(file, onBadRow);
}

/**
 * Sessions overlap, so clicks are put into buckets of one second, and a bucket is complete once the session that starts
 * in it has been read: published session by session, most clicks would come too late for their windows.
 */
async function* batches(
  file: string,
  onBadRow: Parameters<ReadBatches>[0],
): AsyncGenerator<readonly Click[]> {
  const buckets = new Map<number, Click[]>();
  let ready: Click[] = [];
  let session = 0;
  let lastSecond = 0;

  for await (const lines of readLines(file)) {
    for (const line of lines) {
      session++;
      const items = itemsOf(line);
      if (items === undefined)
        onBadRow(badRow(file, session, 'needs item ids with single blanks between them'));
      for (const [click, itemId] of (items ?? []).entries()) {
        const second = session + click * CLICK_GAP_SECONDS;
        bucketOf(buckets, second).push(clickEvent(session, click, itemId));
        if (second > lastSecond) lastSecond = second;
      }
      take(buckets, session, ready);
      if (ready.length >= BATCH_EVENTS) {
        yield ready;
        ready = [];
      }
    }
  }
  for (let second = session + 1; second <= lastSecond; second++) {
    take(buckets, second, ready);
    if (ready.length >= BATCH_EVENTS) {
      yield ready;
      ready = [];
    }
  }
  if (ready.length > 0) yield ready;
}

function itemsOf(line: string): readonly string[] | undefined {
  const items = line.trimEnd().split(' ');
  return items.length <= MAX_CLICKS && items.every((item) => ITEM_ID.test(item)) ? items : undefined;
}

function bucketOf(buckets: Map<number, Click[]>, second: number): Click[] {
  const known = buckets.get(second);
  if (known !== undefined) return known;
  const bucket: Click[] = [];
  buckets.set(second, bucket);
  return bucket;
}

function take(buckets: Map<number, Click[]>, second: number, into: Click[]): void {
  const bucket = buckets.get(second);
  if (bucket === undefined) return;
  buckets.delete(second);
  into.push(...bucket);
}

function clickEvent(session: number, click: number, itemId: string): Click {
  const eventTime = SESSIONS_START_MS + (session + click * CLICK_GAP_SECONDS) * SECOND_MS;
  return {
    type: 'ProductViewed',
    eventId: replayEventId(SOURCE, `${session}.${click}`, eventTime),
    eventTime,
    source: SOURCE,
    traceparent: null,
    anonymousId: `dg-${session}`,
    userId: null,
    sessionId: `dg-${session}`,
    device: null,
    referrer: null,
    channel: 'web',
    bot: false,
    internal: false,
    itemId,
    recommendationId: null,
  };
}
