/** Sends simulated events to a collector over HTTP, as a storefront does. */
import type { Secret } from '../../platform/config.ts';
import { MillraceError, errorText } from '../../platform/errors.ts';
import type { PublicEvent } from '../public-event.ts';

/** What the collector made of a request; see the collector's IntakeAnswer. */
export interface SendAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

/**
 * Sends events; resolves when those that were not rejected are acknowledged.
 * @throws MillraceError MR_SIMULATOR_COLLECTOR_BUSY (nothing is acknowledged: repeat with the same events) or
 * MR_SIMULATOR_REFUSED.
 */
export type SendEvents = (events: readonly PublicEvent[]) => Promise<SendAnswer>;

export interface HttpSenderOptions {
  /** Base URL of the collector, such as http://127.0.0.1:7070. */
  readonly url: string;
  readonly key: Secret;
  /** A request that takes longer counts as failed. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** All acknowledged, some rejected, all rejected. */
const ANSWERED = new Set([202, 207, 400]);

/** Connections are kept alive and shared by requests (undici's default). */
export function createHttpSender({
  url,
  key,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: HttpSenderOptions): SendEvents {
  const target = new URL('/v1/events', url);
  return async (events) => {
    const { status, body } = await post(events);
    const answer = parseJson(body) as Partial<SendAnswer> | undefined;
    if (ANSWERED.has(status) && Array.isArray(answer?.rejected)) return answer as SendAnswer;
    const busy = status >= 500 || status === 429;
    throw new MillraceError(
      busy ? 'MR_SIMULATOR_COLLECTOR_BUSY' : 'MR_SIMULATOR_REFUSED',
      `The collector answered ${status}: ${body.slice(0, 500)}`,
      { context: { status } },
    );
  };

  async function post(events: readonly PublicEvent[]): Promise<{ status: number; body: string }> {
    try {
      const response = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key.reveal()}` },
        body: JSON.stringify({ events }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, body: await response.text() };
    } catch (cause) {
      throw new MillraceError(
        'MR_SIMULATOR_COLLECTOR_BUSY',
        `The collector at ${target.origin} did not answer: ${errorText(cause)}`,
        { cause },
      );
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: not an answer of the collector; the caller goes by the status.
    return undefined;
  }
}
