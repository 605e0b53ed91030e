import { describe, expect, it } from 'vitest';
import { latestSchema, parseSchema, SCHEMAS } from './registry.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS, topicsOf } from './topics.ts';

describe('schema registry', () => {
  it('has each id once, and each version of a record once', () => {
    expect(new Set(SCHEMAS.map((entry) => entry.id)).size).toBe(SCHEMAS.length);
    expect(new Set(SCHEMAS.map((entry) => `${entry.record} ${entry.version}`)).size).toBe(SCHEMAS.length);
  });

  it('reads every earlier version with the newest one (BACKWARD)', () => {
    for (const entry of SCHEMAS) {
      const latest = latestSchema(entry.record).type;
      const resolver = latest.createResolver(entry.type);
      const written = entry.type.toBuffer(entry.type.random());
      expect(() => latest.fromBuffer(written, resolver) as unknown).not.toThrow();
    }
  });

  it('would notice a change that is not compatible', () => {
    const schema = latestSchema('OrderHeld').schema as unknown as { fields: object[] };
    const changed = parseSchema({
      ...schema,
      fields: [...schema.fields, { name: 'mandatory', type: 'string' }],
    } as never);
    expect(() => changed.createResolver(latestSchema('OrderHeld').type)).toThrow();
  });

  it('carries every record on a topic of the contract, and every topic has a record', () => {
    const topics = [...Object.values(SHOP_TOPICS), ...Object.values(INTERNAL_TOPICS)].map(
      (topic) => topic.name,
    );
    expect(new Set(SCHEMAS.map((entry) => entry.topic))).toEqual(new Set(topics));
  });

  it('gives every record the envelope, and the field that its topic is keyed by', () => {
    const topics = new Map<string, string>(
      [...Object.values(SHOP_TOPICS), ...Object.values(INTERNAL_TOPICS)].map((t) => [t.name, t.key]),
    );
    for (const entry of SCHEMAS) {
      const names = (entry.schema as unknown as { fields: { name: string }[] }).fields.map(
        (field) => field.name,
      );
      expect(names.slice(0, 5)).toEqual(['eventId', 'eventTime', 'ingestTime', 'source', 'traceparent']);
      const key = topics.get(entry.topic);
      if (key?.includes(' ') === false) expect(names, entry.record).toContain(key);
    }
  });
});

describe('topics', () => {
  it('gives what is joined the same key and the same number of partitions', () => {
    const joined = [SHOP_TOPICS.orders, SHOP_TOPICS.payments, SHOP_TOPICS.shipments];
    expect(new Set(joined.map((topic) => `${topic.key} ${topic.partitions}`)).size).toBe(1);
  });

  it('puts the namespace before every topic, and none twice', () => {
    const names = topicsOf('replay-x').map((topic) => topic.name);
    expect(names.every((name) => name.startsWith('replay-x.'))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
    expect(topicsOf('').map((topic) => topic.name)).toContain('shop.clickstream.late');
  });
});
