import { topicsOf } from '../../../../schemas/topics.ts';
import { compareTallies, tally } from './findings.ts';
import type { Case } from './case.ts';
import { readTopic } from './stores.ts';

/**
 * Nothing is a dead letter but what the producer made unreadable on purpose, and each copy of that once: those that Kafka
 * acknowledged for certain, and those without an answer at most once for each place. Answers how many there are.
 */
export async function checkDeadLetters({ book, kafka, findings, namespace }: Case): Promise<number> {
  const poisons = new Map(book.intended.flatMap(({ id, poison }) => (poison ? [[poison.text, id]] : [])));
  const places: string[] = [];
  let count = 0;
  const names = (await kafka.admin.topicNames()).filter((name) => name.endsWith('.dlq'));
  const known = new Set(topicsOf(namespace).map(({ name }) => name));
  for (const topic of names) {
    for (const { record } of await readTopic(kafka, topic)) {
      const { headers, value } = record;
      const origin = `${headers['mr-origin-topic']}/${headers['mr-origin-partition']}/${headers['mr-origin-offset']}`;
      count += 1;
      if (known.has(topic) && poisons.has(value?.toString() ?? '')) places.push(origin);
      else
        findings.add(
          'unexpected-dead-letter',
          `${topic}: ${headers['mr-code']} ${headers['mr-reason']} of ${origin}`,
        );
    }
  }
  const isPoison = new Set(poisons.values());
  const copies = book.acknowledged.filter(({ id }) => isPoison.has(id));
  const wanted = tally(copies.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`));
  compareTallies(findings, 'dead letters', {
    wanted,
    atMost: tally(new Set([...wanted.keys(), ...places])),
    found: tally(places),
  });
  return count;
}
