import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUuid } from '../runtime/task/event-id-set.ts';
import { alertId } from './alert.ts';

const finding = { kind: 'parcel-silent', entityId: 'p1', firstEventTimeMs: 1_767_225_600_000 };

test('the id of an alert follows from what it is about, and from nothing else', () => {
  expect(alertId(finding)).toBe(alertId({ ...finding }));
  const others = [
    { ...finding, kind: 'other' },
    { ...finding, entityId: 'p2' },
    { ...finding, firstEventTimeMs: finding.firstEventTimeMs + 1 },
  ];
  expect(new Set([finding, ...others].map(alertId)).size).toBe(4);
});

test('is a UUID of version 8', () => {
  fc.assert(
    fc.property(fc.string(), (entityId) => {
      const id = alertId({ ...finding, entityId });
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(parseUuid(id, new Uint32Array(4))).toBe(true);
    }),
  );
});
