import { describe, expect, test } from 'vitest';
import { viewJob } from '../../../test/harness/view-job.ts';
import { channelsOf, declarationOf, topologyHash, type Application } from './application.ts';
import { connectedTo } from './replace/connected.ts';

const views: Application = { name: 'views', groupId: 'views', namespace: 'ns', subtopologies: viewJob(0) };

test('the channels of an application are the topics between its sub-topologies', () => {
  expect(channelsOf(views)).toEqual([
    {
      topic: 'millrace.user-activity',
      name: 'ns.millrace.user-activity',
      writers: ['views'],
      reader: 'actions',
    },
  ]);
});

test('what a sub-topology declares is found without running it', () => {
  const [job] = views.subtopologies;
  const stores = [...declarationOf(job!).stores.values()];
  expect(stores.map(({ name }) => name)).toEqual(expect.arrayContaining(['item-minute', 'totals']));
  const totals = stores.find(({ name }) => name === 'totals');
  expect(totals).toMatchObject({ version: 1, layout: 'keyed(json)' });
});

test('the hash tells topologies with other stores apart, and runs of the same one not', () => {
  expect(topologyHash(views)).toBe(topologyHash({ ...views, subtopologies: viewJob(5) }));
  const [first] = views.subtopologies;
  expect(topologyHash({ ...views, subtopologies: [first!] })).not.toBe(topologyHash(views));
});

describe('what has to be reset together', () => {
  const subtopology = (name: string, inputs: readonly string[], outputs: readonly string[]) => ({
    ...views.subtopologies[0]!,
    name,
    inputs: inputs.map((topic) => ({ topic })),
    outputs: outputs.map((topic) => ({ topic })),
  });
  // a and b write to c, c to d; e stands alone.
  const subtopologies = [
    subtopology('a', ['in'], ['a-or-b']),
    subtopology('b', ['in-b'], ['a-or-b']),
    subtopology('c', ['a-or-b'], ['c']),
    subtopology('d', ['c'], []),
    subtopology('e', ['in-e'], []),
  ];
  test.each([
    [['a'], ['a', 'b', 'c', 'd']],
    [['c'], ['c', 'd']],
    [['d'], ['d']],
    [['e'], ['e']],
    [
      ['d', 'e'],
      ['d', 'e'],
    ],
  ])('%s: %s', (names, expected) => {
    expect(connectedTo({ ...views, subtopologies }, names)).toEqual(expected);
  });
});
