import { expect, it } from 'vitest';
import { json } from '../codec.ts';
import { topology, toTopic } from '../dsl/index.ts';
import { compareOutcomes, type Outcome } from './outcome.ts';
import { simulate } from './simulate.ts';

const words = json<string>();
const START_MS = 1_767_225_600_000;

function passing() {
  const app = topology('passing');
  app.stream('words', { codec: words }).to(toTopic('said'));
  return app.build();
}

it('says of a record that no topic takes that it cannot be published, and does not wait for it', async () => {
  const input = [{ topic: 'nowhere', key: 'a', value: words.encode('a'), atMs: 100 }];
  const { problems, virtualMs } = await simulate(passing(), 1, { input, startMs: START_MS, faults: [] });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^a record for nowhere cannot be published: /);
  expect(virtualMs).toBeLessThan(60_000);
});

it('tells what is missing, what is too often there, and which version of a row counts', () => {
  const row = (count: number, version: number) => ({ key: 'a', count, partition: 0, version });
  const outcome = (said: readonly string[], rows: readonly Record<string, unknown>[]): Outcome => ({
    topics: new Map([['said', said.map((text) => ({ key: null, value: Buffer.from(text), headers: {} }))]]),
    tables: new Map([['counts', rows]]),
    online: new Map([['total', String(said.length)]]),
  });
  const options = { rowKeys: { counts: ['key'] } };
  const expected = outcome(['one', 'two'], [row(2, 9)]);
  expect(compareOutcomes(expected, outcome(['two', 'one'], [row(1, 3), row(2, 5)]), options)).toEqual([]);
  expect(compareOutcomes(expected, outcome(['one', 'one', 'one'], [row(2, 5), row(3, 7)]), options)).toEqual([
    'record in said too often 2 times: null: one',
    'record in said missing: null: two',
    expect.stringMatching(/^row in counts missing: .*"count":2/),
    expect.stringMatching(/^row in counts too often: .*"count":3/),
    'online value missing: total = 2',
    'online value too often: total = 3',
  ]);
});
