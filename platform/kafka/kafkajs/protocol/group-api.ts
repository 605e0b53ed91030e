import type { TopicPartition, TopicPartitionOffset } from '../../port.ts';
import type { Api } from './api.ts';
import { byTopic } from './by-topic.ts';

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty at the first join: the coordinator answers MEMBER_ID_REQUIRED with one (KIP-394). */
  readonly memberId: string;
  readonly protocol: string;
  readonly metadata: Buffer;
}

export interface JoinGroupResponse {
  readonly errorCode: number;
  readonly generation: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** Only the leader learns the members. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

const NO_BYTES = Buffer.alloc(0);

/** JoinGroup v5, the classic (eager) protocol. */
export const JOIN_GROUP: Api<JoinGroupRequest, JoinGroupResponse> = {
  key: 11,
  version: 5,
  name: 'JoinGroup',
  encode(request, out) {
    out.string(request.groupId).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs);
    out.string(request.memberId).string(null).string('consumer');
    out.array([request], ({ protocol, metadata }) => out.string(protocol).bytes(metadata));
  },
  decode(body) {
    body.int32();
    const head = { errorCode: body.int16(), generation: body.int32() };
    body.nullableString(); // protocol
    const leaderId = body.string();
    const memberId = body.string();
    const members = body.array(() => {
      const member = body.string();
      body.nullableString(); // instance id
      return { memberId: member, metadata: body.nullableBytes() ?? NO_BYTES };
    });
    return { ...head, leaderId, memberId, members };
  },
};

export interface GroupMember {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
}

export interface SyncGroupRequest extends GroupMember {
  /** Empty but for the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

/** SyncGroup v3. */
export const SYNC_GROUP: Api<SyncGroupRequest, { readonly errorCode: number; readonly assignment: Buffer }> =
  {
    key: 14,
    version: 3,
    name: 'SyncGroup',
    encode(request, out) {
      out.string(request.groupId).int32(request.generation).string(request.memberId).string(null);
      out.array(request.assignments, ({ memberId, assignment }) => out.string(memberId).bytes(assignment));
    },
    decode(body) {
      body.int32();
      return { errorCode: body.int16(), assignment: body.nullableBytes() ?? NO_BYTES };
    },
  };

/** Heartbeat v3. */
export const HEARTBEAT: Api<GroupMember, { readonly errorCode: number }> = {
  key: 12,
  version: 3,
  name: 'Heartbeat',
  encode(request, out) {
    out.string(request.groupId).int32(request.generation).string(request.memberId).string(null);
  },
  decode(body) {
    body.int32();
    return { errorCode: body.int16() };
  },
};

/** LeaveGroup v3. */
export const LEAVE_GROUP: Api<
  { readonly groupId: string; readonly memberId: string },
  { readonly errorCode: number }
> = {
  key: 13,
  version: 3,
  name: 'LeaveGroup',
  encode(request, out) {
    out.string(request.groupId).array([request.memberId], (memberId) => out.string(memberId).string(null));
  },
  decode(body) {
    body.int32();
    return { errorCode: body.int16() };
  },
};

export interface DescribedGroup {
  readonly errorCode: number;
  /** `Dead` where there is no such group. */
  readonly state: string;
  readonly members: readonly string[];
}

/** DescribeGroups v4, of one group. */
export const DESCRIBE_GROUP: Api<{ readonly groupId: string }, DescribedGroup> = {
  key: 15,
  version: 4,
  name: 'DescribeGroups',
  encode(request, out) {
    out.array([request.groupId], (groupId) => out.string(groupId)).int8(0);
  },
  decode(body) {
    body.int32();
    const [group] = body.array(() => {
      const errorCode = body.int16();
      body.string(); // group id
      const state = body.string();
      for (let text = 0; text < 2; text++) body.string(); // protocol type and name
      const members = body.array(() => {
        const member = body.string();
        body.nullableString(); // instance id
        for (let text = 0; text < 2; text++) body.string(); // client id and host
        for (let bytes = 0; bytes < 2; bytes++) body.nullableBytes(); // metadata and assignment
        return member;
      });
      body.int32(); // authorised operations
      return { errorCode, state, members };
    });
    return group ?? { errorCode: 0, state: 'Dead', members: [] };
  },
};

/** OffsetCommit v7, of a member of the group. */
export const OFFSET_COMMIT: Api<
  GroupMember & { readonly offsets: readonly TopicPartitionOffset[] },
  { readonly codes: readonly number[] }
> = {
  key: 8,
  version: 7,
  name: 'OffsetCommit',
  encode(request, out) {
    out.string(request.groupId).int32(request.generation).string(request.memberId).string(null);
    out.array(byTopic(request.offsets), ([topic, offsets]) => {
      out.string(topic).array(offsets, ({ partition, offset }) => {
        out.int32(partition).int64(offset).int32(-1).string(null); // leader epoch and metadata: not used
      });
    });
  },
  decode(body) {
    body.int32();
    const codes = body.array(() => {
      body.string();
      return body.array(() => {
        body.int32();
        return body.int16();
      });
    });
    return { codes: codes.flat() };
  },
};

export interface OffsetFetchResponse {
  readonly errorCode: number;
  /** Offset -1: none committed. */
  readonly partitions: readonly (TopicPartitionOffset & { readonly errorCode: number })[];
}

/**
 * OffsetFetch v7 with RequireStable (KIP-447): offsets of a transaction that is not settled yet answer
 * UNSTABLE_OFFSET_COMMIT instead of an older value. kafkajs stops at v4, which cannot ask for that.
 */
export const OFFSET_FETCH: Api<
  { readonly groupId: string; readonly partitions: readonly TopicPartition[] },
  OffsetFetchResponse
> = {
  key: 9,
  version: 7,
  name: 'OffsetFetch',
  flexible: true,
  encode(request, out) {
    out.compactString(request.groupId);
    out.compactArray(byTopic(request.partitions), ([topic, partitions]) => {
      out.compactString(topic).compactArray(partitions, ({ partition }) => out.int32(partition));
      out.noTags();
    });
    out.int8(1).noTags();
  },
  decode(body) {
    body.int32();
    const partitions = body.compactArray(() => {
      const topic = body.compactNullableString() ?? '';
      const rows = body.compactArray(() => {
        const head = { topic, partition: body.int32(), offset: body.int64() };
        body.int32(); // leader epoch
        body.compactNullableString(); // metadata
        const errorCode = body.int16();
        body.skipTags();
        return { ...head, errorCode };
      });
      body.skipTags();
      return rows;
    });
    return { errorCode: body.int16(), partitions: partitions.flat() };
  },
};
