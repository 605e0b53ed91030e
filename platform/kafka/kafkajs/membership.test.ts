import { afterEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../../errors.ts';
import { silentLogger } from '../../log.ts';
import type { Assign, TopicPartition } from '../port.ts';
import { Membership } from './membership.ts';
import { decodeSubscription } from './protocol/assignment-codec.ts';
import type { JoinGroupRequest, SyncGroupRequest } from './protocol/group-api.ts';
import { createScriptedCluster, lostAnswer, type SeenRequest } from './testing/scripted-cluster.ts';

const [LOADING, NOT_AVAILABLE, NOT_COORDINATOR] = [14, 15, 16];
const [ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS] = [22, 25, 27];
const GROUP_AUTHORIZATION_FAILED = 30;
const MEMBER_ID_REQUIRED = 79;

const open: Membership[] = [];
afterEach(async () => {
  for (const membership of open.splice(0)) await membership.close();
});

/** Everything to the one member there is. */
const all: Assign = ([member], topics) => {
  const places = [...topics].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  return new Map(member === undefined ? [] : [[member.memberId, places]]);
};

type Fault = number | 'lost';
type Hook = (partitions: readonly TopicPartition[]) => Promise<void>;

/** A group of one; `faults` names what the next answers to a request are instead of success. */
function group(faults: Record<string, Fault[]>, hooks: { assigned?: Hook; revoked?: Hook } = {}) {
  const events: string[] = [];
  let readies = 0;
  let generation = 0;
  const answer = ({ api, request }: SeenRequest, errorCode: number) => {
    if (api === 'SyncGroup')
      return {
        errorCode,
        assignment: (request as SyncGroupRequest).assignments[0]?.assignment ?? Buffer.alloc(0),
      };
    if (api !== 'JoinGroup') return { errorCode };
    const { memberId: id, metadata } = request as JoinGroupRequest;
    const memberId = id === '' ? `member-${sent('JoinGroup').length}` : id;
    if (errorCode === 0) generation++;
    return { errorCode, generation, leaderId: memberId, memberId, members: [{ memberId, metadata }] };
  };
  const cluster = createScriptedCluster((seen) => {
    const fault = faults[seen.api]?.shift() ?? 0;
    if (fault === 'lost') throw lostAnswer();
    return answer(seen, fault);
  });
  const sent = (api: string) => cluster.seen.filter((seen) => seen.api === api);
  cluster.lead('t', 0, 1);
  cluster.lead('t', 1, 1);
  const tell = (what: string, partitions: readonly TopicPartition[]) =>
    void events.push(`${what} ${partitions.map(({ partition }) => partition).join()}`);
  const membership = new Membership({
    client: cluster,
    log: silentLogger(),
    groupId: 'g',
    topics: ['t'],
    assign: all,
    times: { sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 1_000, heartbeatIntervalMs: 1 },
    hooks: {
      async assigned(partitions) {
        await hooks.assigned?.(partitions);
        tell('assigned', partitions);
      },
      ready: () => void (readies += 1),
      async revoked(partitions) {
        await hooks.revoked?.(partitions);
        tell('revoked', partitions);
      },
      troubled: (error) => void events.push(`troubled ${error.code}`),
      failed: (error) => void events.push(`failed ${error.code}`),
    },
  });
  open.push(membership);
  const joins = () => sent('JoinGroup').map(({ request }) => request as JoinGroupRequest);
  return { membership, events, sent, joins, faults, readies: () => readies };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const count = (events: readonly string[], what: string) => events.filter((event) => event === what).length;

describe('joining a group', () => {
  it('takes the id that the coordinator gives, and the assignment that it makes as the leader', async () => {
    const { membership, events, joins } = group({ JoinGroup: [MEMBER_ID_REQUIRED] });
    await membership.start();
    expect(joins().map(({ memberId }) => memberId)).toEqual(['', 'member-1']);
    expect(events).toEqual(['assigned 0,1']);
  });

  it.each([LOADING, NOT_AVAILABLE, NOT_COORDINATOR])(
    'follows a coordinator that moves or loads, code %i, in each request',
    async (code) => {
      const { membership, events, sent, faults } = group({ JoinGroup: [code], SyncGroup: [code] });
      await membership.start();
      // The first join, the second, whose sync moves again, and the third: each asks anew.
      expect(sent('JoinGroup').map(({ node }) => node)).toEqual([1, 2, 3]);
      expect(events).toEqual(['assigned 0,1']);
      faults['Heartbeat'] = [code];
      const before = sent('Heartbeat').length;
      await until(() => sent('Heartbeat').length > before + 2);
      expect(sent('Heartbeat').at(-1)?.node).toBe(4);
      expect(events).toEqual(['assigned 0,1']);
    },
  );

  it('tells of lost answers and tries again', async () => {
    const { membership, events } = group({ JoinGroup: ['lost', 'lost'], SyncGroup: ['lost'] });
    await membership.start();
    expect(count(events, 'troubled MR_KAFKA_UNAVAILABLE')).toBe(3);
    expect(events.at(-1)).toBe('assigned 0,1');
  });

  it('joins again without a word to the owner when a rebalance overtakes its sync', async () => {
    const { membership, events, joins } = group({ SyncGroup: [REBALANCE_IN_PROGRESS] });
    await membership.start();
    expect(joins()).toHaveLength(2);
    expect(events).toEqual(['assigned 0,1']);
  });

  it('rejects the start where it is not allowed to', async () => {
    const { membership, events } = group({ JoinGroup: [GROUP_AUTHORIZATION_FAILED] });
    await expect(membership.start()).rejects.toMatchObject({
      code: 'MR_KAFKA_FAILED',
      context: { brokerError: 'GROUP_AUTHORIZATION_FAILED' },
    });
    expect(events).toEqual(['failed MR_KAFKA_FAILED']);
  });
});

describe('a member of a group', () => {
  it('lets go, waits for its owner and only then joins again when a rebalance begins', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const { membership, events, joins, sent, faults } = group({}, { revoked: () => held });
    await membership.start();
    faults['Heartbeat'] = [REBALANCE_IN_PROGRESS];
    await until(() => (faults['Heartbeat'] ?? []).length === 0);
    const beats = sent('Heartbeat').length;
    // A commit that takes longer than the session must not cost the membership.
    await until(() => sent('Heartbeat').length > beats + 3);
    expect(joins()).toHaveLength(1);
    letGo();
    await until(() => events.length === 3);
    expect(events).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 0,1']);
    expect(joins()).toHaveLength(2);
  });

  it('claims what it held, in which generation, when it joins again', async () => {
    const { membership, events, joins, faults } = group({});
    await membership.start();
    faults['Heartbeat'] = [REBALANCE_IN_PROGRESS];
    await until(() => events.length === 3);
    const owned = [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ];
    expect(joins().map(({ metadata }) => decodeSubscription(metadata))).toEqual([
      { topics: ['t'], owned: [], generation: -1 },
      { topics: ['t'], owned, generation: 1 },
    ]);
  });

  it('joins as a new member once it was expelled, and under its id when only its generation is over', async () => {
    for (const [code, second] of [
      [UNKNOWN_MEMBER_ID, ''],
      [ILLEGAL_GENERATION, 'member-1'],
    ] as const) {
      const { membership, events, joins, faults } = group({});
      await membership.start();
      faults['Heartbeat'] = [code];
      await until(() => events.length === 3);
      expect(events).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 0,1']);
      expect(joins().map(({ memberId }) => memberId)).toEqual(['', second]);
    }
  });

  it('tells of heartbeats without an answer, keeps its partitions, and learns from the next that it was expelled', async () => {
    const { membership, events, faults } = group({});
    await membership.start();
    faults['Heartbeat'] = ['lost', 'lost', UNKNOWN_MEMBER_ID];
    await until(() => count(events, 'assigned 0,1') === 2);
    expect(events).toEqual([
      'assigned 0,1',
      'troubled MR_KAFKA_UNAVAILABLE',
      'troubled MR_KAFKA_UNAVAILABLE',
      'revoked 0,1',
      'assigned 0,1',
    ]);
  });

  it('beats while its owner restores its state, and takes up a rebalance of that time afterwards', async () => {
    let restored: () => void = () => undefined;
    const restoring = new Promise<void>((resolve) => (restored = resolve));
    const { membership, events, sent, faults } = group({}, { assigned: () => restoring });
    faults['Heartbeat'] = [REBALANCE_IN_PROGRESS];
    const started = membership.start();
    await until(() => sent('Heartbeat').length > 3);
    expect(events).toEqual([]);
    restored();
    await started;
    await until(() => events.length === 3);
    expect(events).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 0,1']);
  });

  it('delivers nothing when it was expelled before its owner had taken over', async () => {
    let restored: () => void = () => undefined;
    const restoring = [new Promise<void>((resolve) => (restored = resolve))];
    const { membership, events, readies, faults } = group(
      { Heartbeat: [UNKNOWN_MEMBER_ID] },
      { assigned: async () => restoring.shift() },
    );
    const started = membership.start();
    await until(() => (faults['Heartbeat'] ?? []).length === 0);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    restored();
    await started;
    expect(readies()).toBe(0);
    await until(() => events.length === 3);
    expect(readies()).toBe(1);
  });

  it('ends with a code, and leaves its partitions to others, on a refusal that will not pass', async () => {
    const { membership, events, sent, faults } = group({});
    await membership.start();
    faults['Heartbeat'] = [GROUP_AUTHORIZATION_FAILED];
    await until(() => sent('LeaveGroup').length === 1);
    expect(events).toEqual(['assigned 0,1', 'failed MR_KAFKA_FAILED']);
  });

  it('recovers by itself where its owner could not take over for now, and ends where it never will', async () => {
    const faults: MillraceError[] = [
      new MillraceError('MR_KAFKA_UNAVAILABLE', 'for now'),
      new MillraceError('MR_LOG_CORRUPT', 'for good'),
    ];
    const { membership, events } = group(
      {},
      {
        assigned: async () => {
          const fault = faults.shift();
          if (fault !== undefined) throw fault;
        },
      },
    );
    await expect(membership.start()).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
    expect(events).toEqual(['troubled MR_KAFKA_UNAVAILABLE', 'revoked 0,1', 'failed MR_LOG_CORRUPT']);
  });

  it('leaves once when it is closed, and nothing comes after', async () => {
    const { membership, events, sent, faults } = group({});
    await membership.start();
    faults['Heartbeat'] = [REBALANCE_IN_PROGRESS];
    await membership.close();
    await membership.close();
    const seen = sent('Heartbeat').length;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(sent('LeaveGroup')).toHaveLength(1);
    expect(sent('Heartbeat').length).toBe(seen);
    expect(events).toEqual(['assigned 0,1']);
  });
});
