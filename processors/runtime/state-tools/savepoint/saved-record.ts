import { isUtf8 } from 'node:buffer';
import type { LogRecord } from '../../../../platform/kafka/port.ts';

/** A record of a savepoint. */
export interface SavedRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The same as JSON: a value is text where its bytes are UTF-8, else Base64. */
interface SavedLine {
  readonly k: string | null;
  readonly v?: string;
  readonly b?: string;
  readonly t: number;
  readonly h?: Readonly<Record<string, string>>;
}

export function savedLine({ key, value, timestampMs, headers }: LogRecord): string {
  const line: SavedLine = {
    k: key === null ? null : key.toString('utf8'),
    ...(value === null ? {} : valueText(value)),
    t: timestampMs,
    ...(Object.keys(headers).length === 0 ? {} : { h: headers }),
  };
  return `${JSON.stringify(line)}\n`;
}

export function savedRecord(line: string): SavedRecord {
  const { k, v, b, t, h = {} } = JSON.parse(line) as SavedLine;
  const value = v === undefined ? bytesOf(b) : Buffer.from(v);
  return { key: k, value, timestampMs: t, headers: h };
}

function valueText(value: Buffer): { v: string } | { b: string } {
  return isUtf8(value) ? { v: value.toString('utf8') } : { b: value.toString('base64') };
}

function bytesOf(base64: string | undefined): Buffer | null {
  return base64 === undefined ? null : Buffer.from(base64, 'base64');
}
