import { StatementError } from '../../clickhouse/statement-error.ts';

/**
 * The text fields of a multipart/form-data body: how clients send long query parameters.
 * @throws StatementError 36, and 48 for files (external tables)
 */
export function readMultipart(body: Buffer, contentType: string): ReadonlyMap<string, string> {
  const match = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw bad('the form has no boundary');
  const text = body.toString('latin1'); // one character for each byte
  const parts = `\r\n${text}`.split(`\r\n--${Buffer.from(boundary).toString('latin1')}`);
  if (parts.length < 3 || !parts.at(-1)?.startsWith('--')) throw bad('the form has no end');
  const fields = new Map<string, string>();
  for (const part of parts.slice(1, -1)) {
    const end = part.indexOf('\r\n\r\n');
    const head = part.slice(0, end);
    const name = /;\s*name="([^"]*)"/i.exec(head)?.[1];
    if (end === -1 || name === undefined) throw bad('a part of the form has no name');
    if (/;\s*filename=/i.test(head))
      throw new StatementError(48, 'NOT_IMPLEMENTED', 'external tables are not supported here');
    fields.set(name, Buffer.from(part.slice(end + 4), 'latin1').toString());
  }
  return fields;
}

function bad(message: string): StatementError {
  return new StatementError(36, 'BAD_ARGUMENTS', `multipart/form-data: ${message}`);
}
