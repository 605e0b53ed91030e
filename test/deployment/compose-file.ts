/** A reader for the part of YAML that docker-compose.yml uses: maps, lists of scalars, flow lists, anchors, merges. */
export type ComposeValue = string | readonly ComposeValue[] | { readonly [key: string]: ComposeValue };
type ComposeMap = Record<string, ComposeValue>;

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** @throws Error where the file uses something else of YAML. */
export function readCompose(source: string): ComposeMap {
  const lines = source
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((line): Line => ({ indent: line.length - line.trimStart().length, text: line.trim() }));
  const reader = new Reader(lines);
  const value = reader.block(0);
  if (typeof value === 'string' || Array.isArray(value) || !reader.atEnd)
    throw new Error('docker-compose.yml is no map');
  return value as ComposeMap;
}

class Reader {
  readonly #lines: readonly Line[];
  readonly #anchors = new Map<string, ComposeValue>();
  #next = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get atEnd(): boolean {
    return this.#next === this.#lines.length;
  }

  block(indent: number): ComposeValue {
    const first = this.#lines[this.#next];
    if (first === undefined || first.indent < indent) return '';
    return first.text.startsWith('- ') ? this.#list(first.indent) : this.#map(first.indent);
  }

  #list(indent: number): ComposeValue[] {
    const items: ComposeValue[] = [];
    for (let line = this.#at(indent); line?.text.startsWith('- ') === true; line = this.#at(indent)) {
      items.push(scalar(line.text.slice(2)));
      this.#next++;
    }
    return items;
  }

  #map(indent: number): ComposeMap {
    const map: ComposeMap = {};
    for (let line = this.#at(indent); line !== undefined; line = this.#at(indent)) {
      const match = /^([\w.<-]+):(?:\s+(.*))?$/.exec(line.text);
      if (match?.[1] === undefined) throw new Error(`not read: ${line.text}`);
      this.#next++;
      const [key, rest] = [match[1], match[2] ?? ''];
      if (key === '<<') {
        const merged = this.#anchors.get(rest.slice(1));
        if (merged === undefined || typeof merged === 'string') throw new Error(`no anchor ${rest}`);
        Object.assign(map, merged);
      } else map[key] = this.#value(rest, indent);
    }
    return map;
  }

  #value(rest: string, indent: number): ComposeValue {
    const anchor = /^&([\w-]+)$/.exec(rest)?.[1];
    if (rest !== '' && anchor === undefined) return scalar(rest);
    const value = this.block(indent + 1);
    if (anchor !== undefined) this.#anchors.set(anchor, value);
    return value;
  }

  #at(indent: number): Line | undefined {
    const line = this.#lines[this.#next];
    return line?.indent === indent ? line : undefined;
  }
}

function scalar(text: string): ComposeValue {
  if (text.startsWith('[')) return text.slice(1, -1).split(/,\s*/).map(unquote);
  return unquote(text);
}

function unquote(text: string): string {
  return /^(['"]).*\1$/.test(text) ? text.slice(1, -1) : text;
}
