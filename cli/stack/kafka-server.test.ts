import { expect, it } from 'vitest';
import { randomClusterId } from './kafka-server.ts';

it('makes ids of 22 characters', () => {
  expect(randomClusterId()).toMatch(/^[\w-]{22}$/);
});

it('passes over an id that Kafka would take for an option', () => {
  // 0xfb… is `-…` in base64url.
  const ids = ['fb000000-0000-4000-8000-000000000000', '01000000-0000-4000-8000-000000000000'];
  expect(randomClusterId(() => ids.shift() ?? '')).toBe('AQAAAAAAQACAAAAAAAAAAA');
});
