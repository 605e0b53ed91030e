import { expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { openKafka } from './index.ts';

it('takes Apache Kafka where brokers are named, without connecting yet', async () => {
  const kafka = await openKafka({
    config: { brokers: ['127.0.0.1:1'] },
    dataDir: 'unused',
    clientId: 'test',
    log: silentLogger(),
  });
  expect(kafka.kind).toBe('real');
  await kafka.close();
  expect(() => kafka.producer()).toThrow(expect.objectContaining({ code: 'MR_KAFKA_UNAVAILABLE' }));
});
