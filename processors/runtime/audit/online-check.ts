import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { OnlineStore } from '../../../platform/online-store/port.ts';
import type { Application } from '../state-tools/application.ts';
import { expectedOnline, onlineTasks, type OnlineTask } from './expected-online.ts';
import type { AuditCheck, AuditLine, CheckResult, Finding, FindingKind } from './finding.ts';
import { auditOnline, type OnlineAudit, type OnlineFault } from './online.ts';

export interface OnlineCheckOptions {
  readonly store: OnlineStore;
  readonly log: LogReader;
  readonly application: Application;
  readonly now: () => number;
  /** Records of changelogs that one run reads to know what the keys should be; a task at least. */
  readonly maxRestored: number;
  /** A task with a longer changelog is left out: its state would take too much memory beside what runs. */
  readonly maxTaskRecords: number;
  /** Rest after a run without findings, as a multiple of its time: the store is read from end to end in each. */
  readonly restFactor: number;
}

/** What the last check of a task saw. */
interface Known {
  readonly atMs: number;
  readonly keys: number;
  readonly hasFindings: boolean;
}

/** Keys that are named one by one, of each task and kind. */
const MAX_NAMED = 50;
/** What lines call the keys that no task of the application says are its own. */
const NOBODY = 'keys of nobody';

const KINDS = { missing: 'gap', added: 'foreign', altered: 'altered' } as const satisfies Record<
  OnlineFault['kind'],
  FindingKind
>;
const REASONS = {
  missing: 'the state of its task has it, and it is not there',
  added: 'nothing in the state of its task stands behind it',
  altered: 'it is not what the state of its task says',
} as const;

/**
 * Holds the keys of the online store against what the state of the tasks says, by their changelogs. Large applications
 * take turns by task; each run looks at all keys once for those that nobody stands behind.
 */
export class OnlineCheck implements AuditCheck {
  readonly name = 'online';
  readonly #options: OnlineCheckOptions;
  readonly #known = new Map<string, Known>();
  /** Keys that no task looked at so far stands behind, and since when; each task may yet say that it does. */
  #unclaimed = new Map<string, number>();
  #chosen = new Set<string>();
  #sinceMs: number | undefined;
  #lastResult: CheckResult = { findings: [], lines: [] };
  #restUntilMs = 0;

  constructor(options: OnlineCheckOptions) {
    this.#options = options;
  }

  async run({ isAgain }: { readonly isAgain: boolean }): Promise<CheckResult> {
    const { log, application, now, restFactor } = this.#options;
    const startMs = now();
    this.#sinceMs ??= startMs;
    if (!isAgain && startMs < this.#restUntilMs) return this.#lastResult;
    const tasks = await onlineTasks(log, application);
    if (!isAgain) this.#chosen = this.#choose(tasks);
    const result = await this.#check(tasks, startMs);
    this.#restUntilMs = result.findings.length > 0 ? 0 : now() + restFactor * (now() - startMs);
    this.#lastResult = result;
    return result;
  }

  async #check(tasks: readonly OnlineTask[], startMs: number): Promise<CheckResult> {
    const { store, log, application, now } = this.#options;
    const isWanted = (task: string) => this.#chosen.has(task);
    const faults = new Map<string | null, OnlineFault[]>();
    const audits = await auditOnline(store, expectedOnline(log, application, isWanted), {
      now,
      otherTasks: new Set(tasks.map(({ task }) => task).filter((task) => !isWanted(task))),
      onFault: (fault) => {
        const known = faults.get(fault.task);
        if (known === undefined) faults.set(fault.task, [fault]);
        else known.push(fault);
      },
    });
    for (const audit of audits) this.#note(audit, startMs);
    const findings = tasks.flatMap((task) => findingsOf(task, faults.get(task.task) ?? []));
    const strangers = this.#strangers(tasks, { faults: faults.get(null) ?? [], startMs });
    findings.push(...findingsOf({ subtopology: { name: NOBODY }, partition: null }, strangers));
    return { findings, lines: this.#lines(tasks, strangers.length) };
  }

  /** A task that is behind was not checked: it says so itself, and its age grows. */
  #note({ task, keys, missing, added, altered, isBehind }: OnlineAudit, atMs: number): void {
    if (task === null || isBehind) return;
    this.#known.set(task, { atMs, keys, hasFindings: missing + added + altered > 0 });
  }

  /** Tasks of which something was found last, then those that were not checked for longest, up to what one run may read. */
  #choose(tasks: readonly OnlineTask[]): Set<string> {
    const { maxRestored, maxTaskRecords } = this.#options;
    const rank = ({ task }: OnlineTask) => {
      const known = this.#known.get(task);
      return known?.hasFindings === true ? -1 : (known?.atMs ?? 0);
    };
    const chosen = new Set<string>();
    let records = 0;
    for (const task of tasks
      .filter((one) => one.records <= maxTaskRecords)
      .sort((x, y) => rank(x) - rank(y))) {
      if (chosen.size > 0 && records + task.records > maxRestored) break;
      records += task.records;
      chosen.add(task.task);
    }
    return chosen;
  }

  /** Keys of nobody are found when every task was looked at since they were seen first, and none stands behind them. */
  #strangers(
    tasks: readonly OnlineTask[],
    { faults, startMs }: { readonly faults: readonly OnlineFault[]; readonly startMs: number },
  ): readonly OnlineFault[] {
    this.#unclaimed = new Map(faults.map(({ key }) => [key, this.#unclaimed.get(key) ?? startMs]));
    const allSinceMs = Math.min(startMs, ...tasks.map(({ task }) => this.#known.get(task)?.atMs ?? 0));
    return faults.filter(({ key }) => (this.#unclaimed.get(key) ?? startMs) <= allSinceMs);
  }

  #lines(tasks: readonly OnlineTask[], strangers: number): readonly AuditLine[] {
    const store = 'redis';
    const lines: AuditLine[] = tasks.map(({ task, subtopology, partition }) => {
      const known = this.#known.get(task);
      const checkedAtMs = known?.atMs ?? this.#sinceMs ?? null;
      return { store, what: subtopology.name, partition, there: known?.keys ?? 0, checkedAtMs, unproven: 0 };
    });
    if (strangers > 0)
      lines.push({ store, what: NOBODY, partition: null, there: strangers, checkedAtMs: null, unproven: 0 });
    return lines;
  }
}

interface Place {
  readonly subtopology: { readonly name: string };
  readonly partition: number | null;
}

function findingsOf({ subtopology, partition }: Place, faults: readonly OnlineFault[]): Finding[] {
  const findings: Finding[] = [];
  for (const fault of ['missing', 'added', 'altered'] as const) {
    const keys = faults.filter(({ kind }) => kind === fault).map(({ key }) => key);
    const base = { store: 'redis', kind: KINDS[fault], what: subtopology.name, partition } as const;
    const reason = partition === null ? 'no task stands behind it' : REASONS[fault];
    for (const key of keys.slice(0, MAX_NAMED)) findings.push({ ...base, count: 1, place: key, reason });
    const more = keys.length - MAX_NAMED;
    if (more > 0) findings.push({ ...base, count: more, place: 'further keys', reason });
  }
  return findings;
}
