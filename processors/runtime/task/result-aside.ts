import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import { deadLetterTopic, lateTopic } from '../../../schemas/topics.ts';
import {
  cutValue,
  faultHeaders,
  latenessHeaders,
  type Fault,
  type MissedWindow,
  type SideOutput,
} from './dead-letter.ts';
import { EVENT_TIME_HEADER } from './read-head.ts';

/** A value on its way through a task that no record has brought: the result of a window, what a timer says. */
export interface Result {
  readonly key: string | null;
  readonly value: unknown;
  readonly eventTimeMs: number;
}

interface Place {
  /** Contract name of the topic beside which it is put. */
  readonly topic: string;
  readonly partition: number;
}

/** The dead letter of a result: its value as JSON under its key. There is no record to send again. */
export function deadResult(
  place: Place,
  result: Result,
  { fault, subtopology, ...side }: SideOutput & { readonly fault: Fault; readonly subtopology: string },
): ProduceRecord {
  const headers = faultHeaders(fault, { attempt: 1, subtopology });
  return aside(deadLetterTopic(place.topic), place, { result, side, headers });
}

/** A result that came after the window of a later step had closed. */
export function lateResult(
  place: Place,
  result: Result,
  { window, ...side }: SideOutput & { readonly window: MissedWindow },
): ProduceRecord {
  return aside(lateTopic(place.topic), place, { result, side, headers: latenessHeaders(window) });
}

function aside(
  topic: string,
  { partition }: Place,
  made: {
    readonly result: Result;
    readonly side: SideOutput;
    readonly headers: Readonly<Record<string, string>>;
  },
): ProduceRecord {
  const { key, value, eventTimeMs } = made.result;
  const { nowMs, topicName } = made.side;
  const kept = cutValue(jsonOf(value));
  return {
    topic: topicName(topic),
    ...{ key, partition, value: kept.value, timestampMs: nowMs },
    headers: {
      ...kept.headers,
      ...made.headers,
      'mr-cause': 'time',
      [EVENT_TIME_HEADER]: String(eventTimeMs),
      'mr-time': new Date(nowMs).toISOString(),
    },
  };
}

/** Null for what JSON does not know, such as bigints and circles: where it came from is said all the same. */
function jsonOf(value: unknown): Buffer | null {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? null : Buffer.from(text);
  } catch {
    return null; // The headers still tell of it.
  }
}
