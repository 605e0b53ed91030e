import { expect, it } from 'vitest';
import { InFlight } from './in-flight.ts';

it('takes batches in up to its limit, a batch alone always, and more when others have left', () => {
  const inFlight = new InFlight(10_000);
  const large = inFlight.enter(1, 50_000);
  expect(() => inFlight.enter(1, 0)).toThrow(
    expect.objectContaining({ code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: true }) as Error,
  );
  inFlight.leave(large);
  const [one, other] = [inFlight.enter(1, 4000), inFlight.enter(1, 4000)];
  expect(() => inFlight.enter(1, 4000)).toThrow(/too many calls wait/);
  inFlight.leave(one);
  expect(inFlight.enter(1, 4000)).toBe(other);
});
