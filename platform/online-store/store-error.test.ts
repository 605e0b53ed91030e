import { describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.ts';
import { wrapLmdbError, wrapRedisError } from './store-error.ts';

function reply(message: string): Error {
  return Object.assign(new Error(message), {
    name: 'ReplyError',
    command: { name: 'set', args: ['k', 'secret'] },
  });
}

describe('wrapRedisError', () => {
  it.each([
    ['LOADING Redis is loading the dataset in memory', 'MR_ONLINE_STORE_UNAVAILABLE'],
    ["READONLY You can't write against a read only replica.", 'MR_ONLINE_STORE_UNAVAILABLE'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'MR_ONLINE_STORE_UNAVAILABLE'],
    ['CLUSTERDOWN The cluster is down', 'MR_ONLINE_STORE_UNAVAILABLE'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'MR_ONLINE_STORE_FAILED'],
    ["NOPERM User x has no permissions to run the 'set' command", 'MR_ONLINE_STORE_FAILED'],
  ])('maps the answer %s to %s', (message, code) => {
    const wrapped = wrapRedisError(reply(message), 'readMany') as MillraceError;
    expect(wrapped.code).toBe(code);
    expect(wrapped.retryable).toBe(code === 'MR_ONLINE_STORE_UNAVAILABLE');
    expect(wrapped.cause).toBeUndefined();
  });

  it('takes everything else of the connection as unavailable, and says why it was lost', () => {
    const wrapped = wrapRedisError(
      new Error('Connection is closed.'),
      'readMany',
      'nothing listens on that port',
    );
    expect(wrapped).toMatchObject({
      code: 'MR_ONLINE_STORE_UNAVAILABLE',
      message: 'there is no connection to Redis: nothing listens on that port',
      context: { operation: 'readMany' },
    });
  });

  it('lets the last of several nodes speak for all', () => {
    const all = new AggregateError([new Error('Connection is closed.'), reply('WRONGTYPE x')]);
    expect(wrapRedisError(all, 'ping')).toMatchObject({ code: 'MR_ONLINE_STORE_FAILED' });
  });
});

describe('wrapLmdbError', () => {
  it.each([
    ['MDB_MAP_FULL: Environment mapsize limit reached', 'MR_ONLINE_STORE_UNAVAILABLE'],
    ['No space left on device', 'MR_ONLINE_STORE_UNAVAILABLE'],
    ['Input/output error', 'MR_ONLINE_STORE_UNAVAILABLE'],
    ['MDB_CORRUPTED: Located page was wrong type', 'MR_ONLINE_STORE_FAILED'],
  ])('maps %s to %s and names the folder', (message, code) => {
    expect(wrapLmdbError(new Error(message), 'setIfNewer', '/data/online-store')).toMatchObject({
      code,
      message: expect.stringContaining('/data/online-store') as string,
    });
  });
});

describe('both', () => {
  it.each([
    (error: unknown) => wrapRedisError(error, 'x'),
    (error: unknown) => wrapLmdbError(error, 'x', '/data'),
  ])('leave bugs and our own errors as they are', (wrap) => {
    const bug = new TypeError('bug');
    const own = new MillraceError('MR_ONLINE_STORE_FAILED', 'own');
    expect([wrap(bug), wrap(own)]).toEqual([bug, own]);
  });
});
