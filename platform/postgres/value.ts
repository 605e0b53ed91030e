/** How the texts of PostgreSQL become values; the same for both engines. */
type Decode = (text: string) => unknown;

const text: Decode = (value) => value;

/** Type oids of pg_type.dat, each with the oid of its array. */
const TYPES: readonly (readonly [oid: number, arrayOid: number, decode: Decode])[] = [
  [16, 1000, (value) => value === 't'], // bool
  [17, 1001, decodeBytes], // bytea
  [20, 1016, BigInt], // int8
  [21, 1005, Number], // int2
  [23, 1007, Number], // int4
  [26, 1028, Number], // oid
  [700, 1021, Number], // float4
  [701, 1022, Number], // float8
  [114, 199, JSON.parse], // json
  [3802, 3807, JSON.parse], // jsonb
  [1114, 1115, decodeTimestamp], // timestamp
  [1184, 1185, decodeTimestamp], // timestamptz
  [5069, 271, BigInt], // xid8
  [18, 1002, text], // char
  [19, 1003, text], // name
  [25, 1009, text], // text
  [1042, 1014, text], // bpchar
  [1043, 1015, text], // varchar
  [1082, 1182, text], // date
  [1083, 1183, text], // time
  [1186, 1187, text], // interval
  [1700, 1231, text], // numeric
  [2950, 2951, text], // uuid
  [869, 1041, text], // inet
  [650, 651, text], // cidr
];

const DECODERS: ReadonlyMap<number, Decode> = new Map(
  TYPES.flatMap(([oid, arrayOid, decode]): [number, Decode][] => [
    [oid, decode],
    [arrayOid, (value) => decodeArray(value, decode)],
  ]),
);

/** The decoder of a type; what has none stays text. */
export function decoderOf(oid: number): Decode {
  return DECODERS.get(oid) ?? text;
}

function decodeBytes(value: string): Buffer {
  return Buffer.from(value.slice(2), 'hex'); // bytea_output is hex: `\x…`
}

const TIMESTAMP =
  /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?( BC)?$/;

/** `2026-01-31 12:00:00.123456+00`; what is finer than a millisecond is cut off. */
function decodeTimestamp(value: string): Date | number {
  if (value === 'infinity') return Infinity;
  if (value === '-infinity') return -Infinity;
  const match = TIMESTAMP.exec(value);
  if (match === null) throw new RangeError('a timestamp is not in ISO style: DateStyle was changed');
  const part = (index: number) => Number(match[index] ?? 0);
  const year = match[12] === undefined ? part(1) : 1 - part(1);
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const offsetS = (match[8] === '-' ? -1 : 1) * (part(9) * 3600 + part(10) * 60 + part(11));
  const date = new Date(0);
  date.setUTCFullYear(year, part(2) - 1, part(3));
  date.setUTCHours(part(4), part(5), part(6) - offsetS, ms);
  return date;
}

/** An array literal of PostgreSQL, of any depth; bounds (`[2:3]={…}`) are dropped. */
export function decodeArray(literal: string, decode: Decode): unknown[] {
  let at = literal.indexOf('{');
  const array = (): unknown[] => {
    const values: unknown[] = [];
    at++; // {
    while (literal[at] !== '}') {
      if (at >= literal.length) throw new RangeError('an array of PostgreSQL breaks off');
      if (literal[at] === ',') at++;
      else if (literal[at] === '{') values.push(array());
      else values.push(literal[at] === '"' ? decode(quoted()) : bare());
    }
    at++; // }
    return values;
  };
  const quoted = (): string => {
    let value = '';
    for (at++; literal[at] !== '"' && at < literal.length; at++) {
      if (literal[at] === '\\') at++;
      value += literal[at] ?? '';
    }
    at++; // "
    return value;
  };
  const bare = (): unknown => {
    const start = at;
    while (literal[at] !== ',' && literal[at] !== '}' && at < literal.length) at++;
    const value = literal.slice(start, at);
    return value === 'NULL' ? null : decode(value);
  };
  return array();
}
