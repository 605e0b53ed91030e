/**
 * YAML 1.2 for the provisioning files: block mappings and lists, SQL as literal blocks, every other text that could be
 * read as something else in double quotes (JSON strings are YAML strings).
 */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue };

const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function scalar(value: string | number | boolean, indent: string): string {
  if (typeof value !== 'string') return String(value);
  if (/\n/.test(value) && !/(^[\s]|\n$|\r|\t)/.test(value)) {
    const lines = value.split('\n').map((line) => (line === '' ? '' : `${indent}${line}`));
    return `|-\n${lines.join('\n')}`;
  }
  return PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value);
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

/** Text of a value after `key:` or `-`, with the space or line break that separates it. */
function nested(value: YamlValue, indent: string): string {
  if (typeof value !== 'object') return ` ${scalar(value, `${indent}  `)}`;
  const empty = isList(value) ? value.length === 0 : Object.keys(value).length === 0;
  if (empty) return isList(value) ? ' []' : ' {}';
  return `\n${block(value, `${indent}  `)}`;
}

function block(value: YamlValue, indent: string): string {
  if (typeof value !== 'object') return `${indent}${scalar(value, indent)}`;
  if (isList(value)) {
    return value.map((item) => `${indent}-${nested(item, indent).replace(/^\n\s*/, ' ')}`).join('\n');
  }
  return Object.entries(value)
    .map(([key, item]) => `${indent}${scalar(key, indent)}:${nested(item, indent)}`)
    .join('\n');
}

/** A document, ended by a line break. */
export function toYaml(value: YamlValue): string {
  return `${block(value, '')}\n`;
}
