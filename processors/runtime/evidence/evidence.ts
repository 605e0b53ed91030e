/** What is kept of a decision: everything that the step which took it was given, so that it can be taken again. */
import { z } from 'zod';
import { MillraceError } from '../../../platform/errors.ts';

/** Of the evidence; another one is refused. */
const FORMAT = 1;

const time = z.number().nullable();
/** Base64. */
const bytes = z.base64();
const entry = z.object({
  store: z.string(),
  version: z.number(),
  layout: z.string(),
  key: z.string(),
  /** As in the changelog; null where there was no entry. */
  value: bytes.nullable(),
  writtenMs: time.optional(),
});
const recordCause = z.object({
  kind: z.literal('record'),
  /** Name in the contract. */
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  timestampMs: z.number(),
  key: bytes.nullable(),
  value: bytes.nullable(),
  headers: z.record(z.string(), z.string()),
});
const timerCause = z.object({
  kind: z.literal('timer'),
  name: z.string(),
  key: z.string(),
  dueMs: z.number(),
  by: z.enum(['advance', 'tick']),
  reason: z.enum(['watermark', 'idle']),
});
const partCause = z.object({
  kind: z.literal('part'),
  /** The watermark moved, the clock did, or a commit was near. */
  by: z.enum(['advance', 'tick', 'commit']),
  reason: z.enum(['watermark', 'idle']),
});
const evidence = z.object({
  format: z.literal(FORMAT),
  id: z.string(),
  /** What was said. */
  decision: z.object({ topic: z.string(), key: z.string(), value: bytes }),
  job: z.object({
    application: z.string(),
    version: z.string(),
    /** SHA-256 of the description of the topology. */
    topology: z.string(),
    /** What the topology was made with. */
    settings: z.json(),
  }),
  subtopology: z.string(),
  partition: z.number(),
  taskEpoch: z.number(),
  cause: z.discriminatedUnion('kind', [recordCause, timerCause, partCause]),
  /** Watermarks before and during the step, by scope (its topics, sorted); the whole task's under `*`. */
  watermarks: z.record(z.string(), z.tuple([time, time])),
  /** Event time as the stores saw it: watermark, and that of the latest record. */
  storeTime: z.object({ watermarkMs: time, eventTimeMs: time }),
  /** What the clock said, in the order in which it was asked. */
  clock: z.array(z.number()),
  /** Ids that were given out, in order. */
  ids: z.array(z.string()),
  /** Entries of the state before the step: all that it has touched. */
  entries: z.array(entry),
  /** Whether entries that were touched had to be left out. */
  isCut: z.boolean(),
  /** When it was decided, epoch ms. */
  decidedAtMs: z.number(),
});

export type Evidence = z.infer<typeof evidence>;
export type EvidenceEntry = z.infer<typeof entry>;
export type Cause = Evidence['cause'];
/** The program that decides. */
export type JobDescription = Evidence['job'];

/** The watermark of the whole task among those of its scopes. */
export const WHOLE = '*';

export function encodeEvidence(of: Omit<Evidence, 'format'>): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...of }));
}

/** @throws MillraceError MR_EXPLAIN_EVIDENCE_INVALID */
export function decodeEvidence(text: Buffer | string): Evidence {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.toString());
  } catch (cause) {
    throw new MillraceError('MR_EXPLAIN_EVIDENCE_INVALID', 'it is no JSON', { cause });
  }
  const found = evidence.safeParse(parsed);
  if (found.success) return found.data;
  const format = (parsed as { format?: unknown } | null)?.format;
  const reason =
    typeof format === 'number' && format !== FORMAT
      ? `its format is ${format}, and this program reads ${FORMAT}`
      : z.prettifyError(found.error);
  throw new MillraceError('MR_EXPLAIN_EVIDENCE_INVALID', `it is no evidence: ${reason}`);
}

/** A time for JSON, which knows no infinity: null before the first event. */
export function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

export function unfinite(ms: number | null | undefined): number {
  return ms ?? Number.NEGATIVE_INFINITY;
}
