import { connect } from 'node:net';

/** A reply of Redis: text, number, list of replies, or nothing. */
type Reply = string | number | null | readonly Reply[];

/**
 * Sends one command to a Redis on 127.0.0.1 over a connection of its own (RESP2).
 * @throws Error with what Redis answers where it refuses
 */
export function redisCall(port: number, ...command: readonly (string | number)[]): Promise<Reply> {
  const parts = command.map(String).map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setEncoding('utf8').setTimeout(5000, () => socket.destroy(new Error('Redis did not answer')));
    socket.once('error', reject);
    socket.once('connect', () => socket.write(`*${parts.length}\r\n${parts.join('')}`));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const parsed = parse(received, 0);
      if (parsed === undefined) return;
      socket.destroy();
      if (parsed.value instanceof Error) reject(parsed.value);
      else resolve(parsed.value);
    });
  });
}

/** The reply at a position and where it ends; undefined while more must come. Texts are ASCII. */
function parse(text: string, at: number): { value: Reply | Error; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const [kind, line, next] = [text[at], text.slice(at + 1, lineEnd), lineEnd + 2];
  if (kind === '-') return { value: new Error(line), end: next };
  if (kind === ':') return { value: Number(line), end: next };
  if (kind === '+') return { value: line, end: next };
  if (line === '-1') return { value: null, end: next };
  const size = Number(line);
  if (kind === '$') {
    const end = next + size + 2;
    return text.length < end ? undefined : { value: text.slice(next, next + size), end };
  }
  const items: Reply[] = [];
  let end = next;
  while (items.length < size) {
    const item = parse(text, end);
    if (item === undefined) return undefined;
    if (item.value instanceof Error) return item;
    items.push(item.value);
    end = item.end;
  }
  return { value: items, end };
}
