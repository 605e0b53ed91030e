import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError } from '../../errors.ts';
import type { EngineInfo } from '../../engine-info.ts';
import type { Logger } from '../../log.ts';
import type {
  GroupConsumer,
  GroupConsumerOptions,
  Kafka,
  KafkaAdmin,
  Producer,
  RecordBatch,
  TopicPartition,
  TransactionalId,
  TransactionalProducer,
} from '../port.ts';
import { EmbeddedAdmin, embeddedInfo } from './admin.ts';
import { lockDirectory, type DirectoryLock } from '../../directory-lock.ts';
import { folderFault } from '../../folder-fault.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { EmbeddedGroupMember } from './group-member.ts';
import { HotCache } from './hot-cache.ts';
import { Journal } from './journal.ts';
import { Maintenance } from './maintenance.ts';
import { EmbeddedProducer } from './producer.ts';
import { readToEnd } from './read-to-end.ts';
import { recover } from './recovery.ts';
import { TableCache } from './table-cache.ts';
import { EmbeddedTransactionalProducer } from './transactional-producer.ts';

export interface EmbeddedLogOptions {
  readonly dir: string;
  readonly log: Logger;
  /** False trades the last writes before a power failure for speed; a killed process loses nothing either way. */
  readonly fsync?: boolean;
  /** Epoch milliseconds; stamps records and ends their retention. */
  readonly now?: () => number;
  /** Files are closed at this size; retention and compaction work on closed ones. 64 MiB where absent. */
  readonly segmentBytes?: number;
  /** Latest records kept in memory. 64 MiB where absent. */
  readonly hotBytes?: number;
  /** Sends are refused when the disk has less room. 64 MiB where absent. */
  readonly minFreeBytes?: number;
  /** Compacted topics may have this much more than twice their live records. 1 MiB where absent. */
  readonly compactionSlackBytes?: number;
  /** A minute where absent. */
  readonly maintenanceIntervalMs?: number;
}

const MIB = 1024 * 1024;
const INDEX_CACHE_BYTES = 16 * MIB;

/**
 * Opens the partitioned, transactional log in a directory. An acknowledged send or commit is on disk (fsync) and
 * survives SIGKILL; each commit is visible as a whole or not at all. Rejects with MR_EMBEDDED_IN_USE where another
 * process has the directory open, with MR_LOG_CORRUPT where the log is damaged, with MR_FOLDER_UNUSABLE where it cannot be used.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Kafka> {
  const dir = resolve(options.dir);
  try {
    mkdirSync(dir, { recursive: true });
    const lock = await lockDirectory(dir);
    try {
      return await openLocked(dir, lock, options);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw folderFault(error, dir);
  }
}

async function openLocked(dir: string, lock: DirectoryLock, options: EmbeddedLogOptions): Promise<Kafka> {
  const { log, fsync = true, now = Date.now, segmentBytes = 64 * MIB } = options;
  const tables = new TableCache(INDEX_CACHE_BYTES);
  const recovered = await recover({ dir, fsync, log, loadTable: tables.load });
  const minFreeBytes = options.minFreeBytes ?? 64 * MIB;
  const journal = new Journal(recovered, new HotCache(options.hotBytes ?? 64 * MIB), {
    ...{ dir, fsync, segmentBytes, minFreeBytes, log },
    loadTable: tables.load,
  });
  const compactionSlackBytes = options.compactionSlackBytes ?? MIB;
  const maintenance = new Maintenance({
    ...{ journal, tables, dir, fsync, segmentBytes, compactionSlackBytes, log, now },
  });
  return new EmbeddedLog({ journal, maintenance, lock, now, dir }, options.maintenanceIntervalMs ?? 60_000);
}

interface Parts {
  readonly journal: Journal;
  readonly maintenance: Maintenance;
  readonly lock: DirectoryLock;
  readonly now: () => number;
  readonly dir: string;
}

class EmbeddedLog implements Kafka {
  readonly kind = 'embedded';
  readonly admin: KafkaAdmin;
  readonly #parts: Parts;
  readonly #groups = new Map<string, GroupCoordinator>();
  readonly #members = new Set<EmbeddedGroupMember>();
  readonly #timer: NodeJS.Timeout;
  #memberCount = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts, maintenanceIntervalMs: number) {
    const { journal, maintenance } = parts;
    this.#parts = parts;
    this.admin = new EmbeddedAdmin(journal, (groupId) => this.#groups.get(groupId)?.size ?? 0);
    journal.onTopicsChanged = () => {
      for (const group of this.#groups.values()) group.topicsChanged();
    };
    journal.onSegmentClosed = () => void maintenance.run();
    this.#timer = setInterval(() => void maintenance.run(), maintenanceIntervalMs).unref();
  }

  producer(): Producer {
    return new EmbeddedProducer(this.#parts);
  }

  transactionalProducer(id: TransactionalId): TransactionalProducer {
    return new EmbeddedTransactionalProducer(id, this.#parts);
  }

  groupConsumer(options: GroupConsumerOptions): GroupConsumer {
    this.#ensureOpen();
    const { journal } = this.#parts;
    const { state } = journal;
    const coordinator = this.#groups.get(options.groupId) ?? new GroupCoordinator(state);
    this.#groups.set(options.groupId, coordinator);
    const id = `${options.groupId}-${String(++this.#memberCount).padStart(6, '0')}`;
    const onClosed = (member: EmbeddedGroupMember) => this.#members.delete(member);
    const member = new EmbeddedGroupMember({ ...options, id, journal, state, coordinator, onClosed });
    this.#members.add(member);
    return member;
  }

  readToEnd(source: TopicPartition & { readonly fromOffset?: number }): AsyncIterable<RecordBatch> {
    this.#ensureOpen();
    const log = this.#parts.journal.state.partition(source.topic, source.partition);
    return readToEnd(log, { from: source.fromOffset ?? log.start, end: log.end });
  }

  async ping(): Promise<void> {
    this.#ensureOpen();
  }

  async info(): Promise<EngineInfo> {
    this.#ensureOpen();
    return embeddedInfo(this.#parts.dir);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { journal, maintenance, lock } = this.#parts;
    clearInterval(this.#timer);
    journal.refuse(closedLog());
    try {
      await Promise.all([...this.#members].map((member) => member.close()));
      await journal.settled();
      // A closed segment starts fast and can be compacted.
      await journal.roll();
      await maintenance.run();
      await journal.settled();
      journal.close();
    } finally {
      await lock.release();
    }
  }

  #ensureOpen(): void {
    if (this.#closing !== undefined) throw closedLog();
  }
}

function closedLog(): MillraceError {
  return new MillraceError('MR_KAFKA_UNAVAILABLE', 'the embedded log is closed', { retryable: false });
}
