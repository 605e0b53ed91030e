/** Fields that name a person, or that people fill in; underscores and case do not matter. */
const PERSONAL = new Set([
  ...['anonymousid', 'userid', 'buyerid', 'sessionid', 'deviceid', 'device', 'cardfingerprint', 'ipprefix'],
  ...['query', 'referrer', 'email', 'phone', 'name', 'key'],
]);
const SHOWN_CHARACTERS = 4;

/** A value with the texts of personal fields masked, at any depth; ids, amounts, times and codes stay. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      isPersonal(name) && typeof inner === 'string' ? maskedText(inner) : masked(inner),
    ]),
  );
}

/** The beginning of a text and its length: enough to tell two apart. */
export function maskedText(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? '…' : `${text.slice(0, SHOWN_CHARACTERS)}…(${text.length})`;
}

function isPersonal(name: string): boolean {
  return PERSONAL.has(name.replaceAll('_', '').toLowerCase());
}
