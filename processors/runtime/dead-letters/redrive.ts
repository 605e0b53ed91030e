import { MillraceError } from '../../../platform/errors.ts';
import { logReader } from '../../../platform/kafka/log-reader.ts';
import type { Kafka, TransactionalProducer } from '../../../platform/kafka/port.ts';
import { namespaced } from '../../../schemas/topics.ts';
import { letterId, type LetterHead } from './letter.ts';
import { forgottenMarks, isMarked, marksTopicSpec, readMarks } from './marks.ts';
import { findLetterTopics, readHeads, type LetterTopic } from './read-letters.ts';
import { planRedrive, someOf, type RedrivePlan, type Selection } from './select.ts';
import { sendLetters, type RowInsert, type Sent } from './send-letters.ts';
import { findTargets } from './targets.ts';

export interface RedriveOptions {
  readonly kafka: Kafka;
  readonly namespace: string;
  readonly selection: Selection;
  readonly again: boolean;
  readonly extend: boolean;
  /** Says what would be done, and changes nothing. */
  readonly dryRun: boolean;
  readonly insert: RowInsert;
}

/** What a redrive did, or would do. */
export interface RedriveReport {
  readonly redriven: number;
  readonly doneBefore: number;
  readonly added: number;
  readonly left: readonly { readonly letter: string; readonly reason: string }[];
  readonly dryRun: boolean;
}

/**
 * Sends what dead letters hold back to where it came from, those of one key in their order. Letters and the marks that
 * say so move in one transaction: cut off anywhere, the next redrive goes on behind what was sent, and none is sent
 * twice. Rows are inserted before their marks, into tables that keep one row for each key.
 * @throws MillraceError MR_DLQ_OVERTAKES; MR_KAFKA_FENCED where another redrive of the namespace has begun
 */
export async function redrive(options: RedriveOptions): Promise<RedriveReport> {
  const { kafka, namespace, dryRun } = options;
  if (dryRun) return reportOf(await plan(options), { sent: undefined, dryRun });
  await kafka.admin.ensureTopics([marksTopicSpec(namespace)]);
  const id = namespaced(namespace, 'millrace-dlq-redrive');
  const producer = kafka.transactionalProducer({ transactionalId: id, groupId: id });
  try {
    // What an older redrive had under way is settled before its marks are read.
    await producer.init();
    const planned = await plan(options);
    await forget(options, producer);
    return reportOf(planned, { sent: await sendLetters(planned.letters, { ...options, producer }), dryRun });
  } finally {
    await producer.close();
  }
}

async function plan(options: RedriveOptions): Promise<RedrivePlan> {
  const { kafka, namespace, selection, again, extend } = options;
  const log = logReader(kafka);
  const marks = await readMarks(log, namespace);
  const letters: LetterHead[] = [];
  for await (const letter of readHeads(log, scopeOf(await findLetterTopics(log, namespace), selection)))
    letters.push(letter);
  const obstacle = await findTargets(kafka, letters);
  const isDone = (letter: LetterHead) => isMarked(marks, letter);
  const planned = planRedrive(letters, { selection, isDone, obstacle, again, extend });
  const { overtaken } = planned;
  if (overtaken.length === 0) return planned;
  throw new MillraceError(
    'MR_DLQ_OVERTAKES',
    `${overtaken.length} earlier letter(s) of the same keys are not part of this: ${someOf(overtaken)}; they would be overtaken`,
    { context: { letters: overtaken.slice(0, 100).map(letterId) } },
  );
}

/** The partitions whose letters may be meant, or go before one that is. */
function scopeOf(topics: readonly LetterTopic[], selection: Selection): readonly LetterTopic[] {
  return topics
    .filter(({ topic }) => selection.topics?.includes(topic) !== false)
    .map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter(
        ({ partition }) => selection.partition === undefined || selection.partition === partition,
      ),
    }));
}

/** Marks go with their letters, so that there are never more of them than of those. */
async function forget({ kafka, namespace }: RedriveOptions, producer: TransactionalProducer): Promise<void> {
  const log = logReader(kafka);
  const topics = await findLetterTopics(log, namespace);
  const starts = new Map(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, start }) => [`${topic}/${partition}`, start] as const),
    ),
  );
  const records = forgottenMarks(namespace, await readMarks(log, namespace), starts);
  if (records.length > 0) await producer.commit({ records, offsets: [] });
}

function reportOf(
  { letters, left, doneBefore, added }: RedrivePlan,
  { sent, dryRun }: { readonly sent: Sent | undefined; readonly dryRun: boolean },
): RedriveReport {
  return {
    redriven: sent?.letters ?? letters.length,
    ...{ doneBefore, added, dryRun },
    left: [
      ...left.map(({ letter, reason }) => ({ letter: letterId(letter), reason })),
      ...(sent?.left ?? []),
    ],
  };
}
