import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { askEndpoint } from '../../platform/control/control-client.ts';
import type { ControlEndpoint } from '../../platform/control/control-endpoint.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { redrive, type RedriveReport } from '../../processors/runtime/dead-letters/redrive.ts';
import type { RowInsert } from '../../processors/runtime/dead-letters/send-letters.ts';

const ENDPOINT = 'dlq-redrive';
/** Those who asked are told so often that it is still at work. */
const SIGN_OF_LIFE_MS = 5000;

/** What is asked of whoever has the log open. */
const REQUEST = z.object({
  namespace: z.string(),
  selection: z
    .object({
      topics: z.array(z.string()),
      partition: z.number(),
      offsets: z.array(z.number()),
      key: z.string(),
      code: z.string(),
      sinceMs: z.number(),
    })
    .partial(),
  again: z.boolean(),
  extend: z.boolean(),
  dryRun: z.boolean(),
});

export type RedriveRequest = z.infer<typeof REQUEST>;

type Part = { readonly report: RedriveReport } | { readonly isWorking: true };

/** Has the owner of a data folder redrive letters for those who ask through its control socket. */
export function redriveEndpoint(kafka: Kafka, insert: RowInsert): ControlEndpoint {
  return {
    ...{ name: ENDPOINT, changes: true },
    async *answer(query): AsyncGenerator<Part> {
      const request = REQUEST.parse(JSON.parse(query.get('request') ?? 'null'));
      const work = redriveHere(kafka, insert, request).then((report): Part => ({ report }));
      work.catch(() => undefined); // whoever asked may be gone, and the work goes on
      for (;;) {
        const part = await Promise.race([work, sleep(SIGN_OF_LIFE_MS, undefined, { ref: false })]);
        yield part ?? { isWorking: true };
        if (part !== undefined) return;
      }
    },
  };
}

/** The same through the control socket of a data folder. */
export async function redriveThere(dataDir: string, request: RedriveRequest): Promise<RedriveReport> {
  const query = new URLSearchParams({ request: JSON.stringify(request) });
  let report: RedriveReport | undefined;
  for await (const part of askEndpoint(dataDir, ENDPOINT, query, 'POST'))
    if ('report' in (part as Part)) ({ report } = part as { report: RedriveReport });
  if (report === undefined) throw new Error('the owner ended its answer without a report');
  return report;
}

export function redriveHere(
  kafka: Kafka,
  insert: RowInsert,
  request: RedriveRequest,
): Promise<RedriveReport> {
  const { topics, partition, offsets, key, code, sinceMs } = request.selection;
  const selection = {
    ...(topics === undefined ? {} : { topics }),
    ...(partition === undefined ? {} : { partition }),
    ...(offsets === undefined ? {} : { offsets }),
    ...(key === undefined ? {} : { key }),
    ...(code === undefined ? {} : { code }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  return redrive({ ...request, selection, kafka, insert });
}
