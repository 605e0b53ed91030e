import { describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { createHttpServer, listen } from './index.ts';

describe('listen', () => {
  it('answers the URL with the port that was picked, and refuses a taken port', async () => {
    const first = createHttpServer({ name: 'first', log: silentLogger() });
    const second = createHttpServer({ name: 'second', log: silentLogger() });
    first.get('/', async () => 'here');
    const url = await listen(first, { host: '127.0.0.1', port: 0 });
    try {
      expect(await (await fetch(url)).text()).toBe('here');
      const port = Number(new URL(url).port);
      await expect(listen(second, { host: '127.0.0.1', port })).rejects.toMatchObject({
        code: 'MR_PORT_TAKEN',
        context: { port },
      });
    } finally {
      await first.close();
      await second.close();
    }
  });
});
