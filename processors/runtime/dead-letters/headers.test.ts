import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts';
import { deadLetter } from '../task/dead-letter.ts';
import { refusalLetter, type Refusal } from '../task/refusals.ts';
import { deadResult } from '../task/result-aside.ts';
import { letterHead } from './letter.ts';
import { redrivenRecord } from './redriven.ts';

const FAULT = { code: 'MR_SCHEMA_DECODE', reason: 'no', step: 'decode', subtopology: 'orders' } as const;
const side = { topicName: (topic: string) => topic, nowMs: 1 };
const place = { subtopology: 'orders', firstInput: 'orders', partition: 0 };
const target = { kind: 'topic', topic: 'orders', partition: 0 } as const;

/** Headers of every kind of letter, and of a record on its way back. */
function allHeaders(): ReadonlySet<string> {
  const foreign = { offset: 0, timestampMs: 1, key: Buffer.from([0xff]), headers: {} };
  const cut = { ...foreign, value: Buffer.alloc(16 * 1024 * 1024) };
  const record = { topic: 't', partition: 1, key: 'k', value: null };
  const refusals: readonly Refusal[] = [
    { kind: 'record', record, cause: { kind: 'time' }, reason: 'no' },
    { kind: 'row', table: 'clicks', row: { _topic: 'orders', _partition: 0, _offset: 1 }, reason: 'no' },
    { kind: 'online', key: 'k', value: null, reason: 'no' },
  ];
  const result = { key: null, value: {}, eventTimeMs: 1 };
  const letter = letterHead({ topic: 'orders.dlq', partition: 0 }, { ...foreign, value: null });
  const made = [
    deadLetter({ topic: 'orders', partition: 0, offset: 0, record: cut }, FAULT, side),
    deadResult({ topic: 'orders', partition: 0 }, result, { ...side, fault: FAULT, subtopology: 'orders' }),
    ...refusals.map((refusal) => refusalLetter(refusal, place, side)),
    redrivenRecord(letter, { ...foreign, value: null }, target),
  ];
  return new Set(made.flatMap(({ headers = {} }) => Object.keys(headers)));
}

test('docs/dead-letters.md names every header, and none that there is not', () => {
  const text = readFileSync(join(PACKAGE_ROOT, 'docs/dead-letters.md'), 'utf8');
  const [, table = ''] = /\| header \| says \|\n(.*?)\n\n/s.exec(text) ?? [];
  const names = table.split('\n').flatMap((line) => line.split('|')[1]?.match(/mr-[a-z0-9-]+/g) ?? []);
  expect(names.sort()).toEqual([...allHeaders()].sort());
});
