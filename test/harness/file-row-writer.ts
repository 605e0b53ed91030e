import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';

type Row = Readonly<Record<string, unknown>>;

/**
 * Rows as lines of JSON in a file that is synced before a flush is acknowledged; a line that a kill has torn is closed
 * off.
 * @param ackDelayMs how long the acknowledgement takes, as over a network
 */
export async function fileRowWriter(
  path: string,
  ackDelayMs = 0,
): Promise<RowWriter & { close(): Promise<void> }> {
  const file = await open(path, 'a');
  let pending = (await readFile(path, 'utf8')).endsWith('\n') ? '' : '\n';
  return {
    add(table, rows) {
      for (const row of rows) pending += `${JSON.stringify({ table, ...row })}\n`;
    },
    async flush() {
      const text = pending;
      pending = '';
      await file.appendFile(text);
      await file.sync();
      await sleep(ackDelayMs);
      return [];
    },
    close: () => file.close(),
  };
}

/** The rows of {@link fileRowWriter}. A line that was torn was never acknowledged: it was said again. */
export async function readRows(path: string): Promise<readonly Row[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Row];
    } catch {
      return [];
    }
  });
}
