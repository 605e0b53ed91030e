import { MillraceError } from '../../../platform/errors.ts';

/** A column as `system.columns` describes it. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** SQL of the text of a row, which `hashRow` hashes for these columns in their order. */
export function rowTextSql(columns: readonly Column[]): string {
  return `concat('', ${columns.map(({ name, type }) => `${cellTextSql(`\`${name}\``, type)}, '\\x1e'`).join(', ')})`;
}

/**
 * SQL of the text of a value of a type.
 * @throws MillraceError MR_AUDIT_TABLE_UNKNOWN for a type that no table of the shop has
 */
export function cellTextSql(value: string, type: string): string {
  const inner = (name: string) => innerOf(type, name);
  const plain = inner('LowCardinality');
  if (plain !== undefined) return cellTextSql(value, plain);
  const nullable = inner('Nullable');
  if (nullable !== undefined) return `ifNull(${cellTextSql(value, nullable)}, 'null')`;
  const array = inner('Array');
  if (array !== undefined)
    return `concat('[', arrayStringConcat(arrayMap(m -> concat(${cellTextSql('m', array)}, '\\x1f'), ${value})), ']')`;
  const map = /^Map\(String, (.+)\)$/.exec(type)?.[1];
  if (map !== undefined) {
    const member = `concat(k, '\\x1f', ${cellTextSql(`${value}[k]`, map)}, '\\x1f')`;
    return `concat('{', arrayStringConcat(arrayMap(k -> ${member}, arraySort(mapKeys(${value})))), '}')`;
  }
  return scalarSql(value, type);
}

/** The text of what a column holds where a row leaves it out. */
export function defaultText(type: string): string {
  const plain = innerOf(type, 'LowCardinality') ?? type;
  if (plain.startsWith('Nullable(')) return 'null';
  if (plain.startsWith('Array(')) return '[]';
  if (plain.startsWith('Map(')) return '{}';
  return plain === 'String' ? '' : '0';
}

function scalarSql(value: string, type: string): string {
  if (type === 'String') return `toString(${value})`;
  if (type === 'Bool') return `toString(toUInt8(${value}))`;
  if (/^U?Int\d+$/.test(type) || type === 'UUID' || type === 'Date') return `toString(${value})`;
  if (type.startsWith('DateTime64(3')) return `toString(toUnixTimestamp64Milli(${value}))`;
  if (type === 'Float64')
    return (
      `if(${value} = trunc(${value}) AND abs(${value}) < 9007199254740992, ` +
      `toString(toInt64(${value})), toString(reinterpretAsUInt64(${value})))`
    );
  throw new MillraceError('MR_AUDIT_TABLE_UNKNOWN', `the auditor cannot read a column of the type ${type}`, {
    context: { type },
  });
}

function innerOf(type: string, name: string): string | undefined {
  return type.startsWith(`${name}(`) && type.endsWith(')') ? type.slice(name.length + 1, -1) : undefined;
}
