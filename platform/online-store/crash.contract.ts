import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';
import type { OnlineStore } from './port.ts';

export interface CrashOutcome {
  readonly kills: number;
  /** Entries whose write was acknowledged, all rounds together. */
  readonly acknowledged: number;
  /** Acknowledged entries that were gone or older afterwards. */
  readonly lost: number;
  /** Entries that are no whole value of a write, and answers that contradict what was acknowledged. */
  readonly wrong: number;
}

export interface CrashOptions {
  /** An empty folder. */
  readonly dataDir: string;
  /** Longest time that a writer lives after its first word. */
  readonly longestLifeMs: number;
  readonly random: () => number;
  /** Told after each kill; ends the loop with false. */
  goOn(kills: number): boolean;
}

/** Acknowledged so far: the newest version of each key, and every lease. */
interface Ledger {
  readonly versions: Map<string, number>;
  readonly leases: Set<string>;
  acknowledged: number;
  lost: number;
  wrong: number;
}

const WRITER = fileURLToPath(new URL('./crash-writer.contract.ts', import.meta.url));
const TSX = WRITER.endsWith('.ts') ? ['--import', 'tsx'] : [];

/**
 * Starts a process that writes to the embedded store of a folder, kills it (SIGKILL) at a random moment, opens the folder
 * here and compares, again and again.
 */
export async function crashOnlineStore(options: CrashOptions): Promise<CrashOutcome> {
  const ledger: Ledger = { versions: new Map(), leases: new Set(), acknowledged: 0, lost: 0, wrong: 0 };
  let kills = 0;
  do {
    for (const line of await writeAndDie(options, kills + 1)) note(ledger, line);
    kills += 1;
    await compare(ledger, options.dataDir);
  } while (options.goOn(kills));
  return { kills, acknowledged: ledger.acknowledged, lost: ledger.lost, wrong: ledger.wrong };
}

/** Whole lines that the writer said before it was killed. */
async function writeAndDie(options: CrashOptions, round: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [...TSX, WRITER, options.dataDir, String(round)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, complaints] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await sleep(options.random() * options.longestLifeMs);
  child.kill('SIGKILL');
  await closed;
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaints}`);
  return said.split('\n').slice(0, -1);
}

function note(ledger: Ledger, line: string): void {
  const [kind, key = '', version = ''] = line.split(' ');
  if (kind === 'open') return;
  if (kind === 'set') ledger.versions.set(key, Number(version));
  else if (kind === 'absent') ledger.leases.add(key);
  else ledger.wrong += 1;
  ledger.acknowledged += 1;
}

async function compare(ledger: Ledger, dataDir: string): Promise<void> {
  const store = await openOnlineStore({
    redis: { url: undefined },
    dataDir,
    keyPrefix: 'crash:',
    deadlineMs: 60_000,
    log: silentLogger(),
  });
  try {
    await compareValues(ledger, store);
    const leases = [...ledger.leases];
    const wereFree = await store.setManyIfAbsent(leases, 86_400_000);
    ledger.lost += wereFree.filter(Boolean).length;
  } finally {
    await store.close();
  }
}

async function compareValues(ledger: Ledger, store: OnlineStore): Promise<void> {
  const keys = [...ledger.versions.keys()];
  const values = await store.readMany(keys);
  values.forEach((value, i) => {
    const stored = Number(value?.split(':')[0] ?? -1);
    if (stored < (ledger.versions.get(keys[i] ?? '') ?? 0)) ledger.lost += 1;
    else if (value !== `${stored}:${'x'.repeat(stored % 500)}`) ledger.wrong += 1;
  });
}
