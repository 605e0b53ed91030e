import { afterAll, beforeAll, describe } from 'vitest';
import { cleaningContract } from './contract/cleaning.contract.ts';
import { groupContract } from './contract/groups.contract.ts';
import type { KafkaUnderTest } from './contract/harness.contract.ts';
import { membershipContract } from './contract/membership.contract.ts';
import { recordContract } from './contract/records.contract.ts';
import { topicContract } from './contract/topics.contract.ts';
import { transactionContract } from './contract/transactions.contract.ts';
import type { Kafka } from './port.ts';

/**
 * Registers the tests that every engine behind the Kafka port must pass. `open` is called once for the suite; topics,
 * groups and transactional ids have random names, so that a shared broker serves as well as a fresh directory. One that
 * keeps everything, having no disk to fill, is not asked to clean its topics.
 */
export function kafkaContract(
  name: string,
  open: () => Promise<KafkaUnderTest>,
  { cleans = true }: { readonly cleans?: boolean } = {},
): void {
  describe(`Kafka port: ${name}`, () => {
    let opened: KafkaUnderTest | undefined;
    let reopened: Kafka | undefined;

    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened?.close();
    });

    const engine = (): KafkaUnderTest => {
      if (opened === undefined) throw new Error('the engine is not open');
      const { reopen, close, kafka } = opened;
      if (reopen === undefined) return opened;
      const remembered = async () => {
        reopened = await reopen();
        return reopened;
      };
      return { kafka: reopened ?? kafka, reopen: remembered, close };
    };

    describe('records', () => recordContract(engine));
    describe('groups', () => groupContract(engine));
    describe('membership', () => membershipContract(engine));
    describe('transactions', () => transactionContract(engine));
    describe('topics', () => topicContract(engine));
    if (cleans) describe('cleaning', () => cleaningContract(engine));
  });
}
