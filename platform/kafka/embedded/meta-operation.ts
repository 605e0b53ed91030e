/** A change of the log's state that is not a record; written into a frame, so atomic with the frame's records. */
export type MetaOperation =
  | { readonly op: 'topic'; readonly topic: TopicSnapshot }
  | { readonly op: 'delete-topic'; readonly topicId: number }
  | { readonly op: 'offsets'; readonly groupId: string; readonly offsets: readonly OffsetTuple[] }
  | { readonly op: 'epoch'; readonly transactionalId: string; readonly epoch: number }
  | { readonly op: 'start'; readonly topicId: number; readonly partition: number; readonly offset: number }
  | { readonly op: 'compacted'; readonly topicId: number; readonly cleanBytes: number }
  /** Closed segments that are about to be deleted: nothing in them is live. */
  | { readonly op: 'removed'; readonly ids: readonly number[] }
  /** One segment holds now what several held. */
  | { readonly op: 'rewritten'; readonly ids: readonly number[]; readonly into: SegmentNote }
  | { readonly op: 'snapshot'; readonly state: StateSnapshot };

export type OffsetTuple = readonly [topic: string, partition: number, offset: number];

/** A closed segment that must be there, so that a missing or shortened file is noticed. */
export interface SegmentNote {
  readonly id: number;
  readonly nonce: number;
  readonly bytes: number;
}

export interface TopicSnapshot {
  readonly id: number;
  readonly topic: string;
  readonly config: Readonly<Record<string, string>>;
  /** First and next offset of each partition. */
  readonly partitions: readonly (readonly [start: number, end: number])[];
  /** Bytes that were left by the last compaction. */
  readonly cleanBytes: number;
}

/** Everything that is not a record; the first frame of each segment holds it, so that older segments may go. */
export interface StateSnapshot {
  readonly nextTopicId: number;
  readonly topics: readonly TopicSnapshot[];
  readonly groups: readonly (readonly [groupId: string, offsets: readonly OffsetTuple[]])[];
  readonly epochs: readonly (readonly [transactionalId: string, epoch: number])[];
  /** The closed segments, in id order. */
  readonly segments: readonly SegmentNote[];
}
