/** Example events for the documentation. */
import type { RecordShape, Shape } from './avro-shape.ts';

const VALUES: Readonly<Record<string, unknown>> = {
  eventId: '0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a',
  eventTime: '2025-11-03T10:15:30.250Z',
  promisedTime: '2025-11-06T17:00:00Z',
  source: 'web',
  anonymousId: 'device-7f3c',
  userId: 'user-19af',
  buyerId: 'user-19af',
  path: '/sale',
  referrer: 'www.example.com',
  device: 'mobile',
  query: 'running shoes',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  currency: 'EUR',
  reportingCurrency: 'EUR',
  ipPrefix: '203.0.113.0/24',
  country: 'DE',
  rate: 1,
  latitude: 52.52,
  longitude: 13.4,
  temperatureCelsius: 4.5,
};

/** A whole event of a record, optional fields included. */
export function exampleOf(record: RecordShape): Readonly<Record<string, unknown>> {
  return { type: record.name, ...fieldsOf(record) };
}

function fieldsOf(record: RecordShape): Record<string, unknown> {
  return Object.fromEntries(
    record.fields.map(({ name, shape }) => [name, VALUES[name] ?? valueOf(shape, name)]),
  );
}

function valueOf(shape: Shape, field: string): unknown {
  switch (shape.kind) {
    case 'record':
      return fieldsOf(shape);
    case 'nullable':
      return valueOf(shape.inner, field);
    case 'array':
      return [valueOf(shape.items, field.replace(/s$/, ''))];
    case 'text':
      return `${field.replace(/Ids?$/, '')}-1`;
    case 'enum':
      return shape.symbols[0];
    case 'boolean':
      return false;
    case 'number':
      return 1;
    case 'amount':
      return 4_999;
    case 'uuid':
      return VALUES['eventId'];
    case 'instant':
      return VALUES['eventTime'];
  }
}
