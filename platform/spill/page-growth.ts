import type { DatabaseStats } from 'lmdb';
import type { SpillEntry } from './port.ts';
import { SHORT_KEY_BYTES, isLong } from './stored-key.ts';

/** Most pages that a write transaction may add to the file, in the worst case: no freed page can be used again. */

/** Pages of the tree of one database. */
export type Tree = Pick<
  DatabaseStats,
  'pageSize' | 'treeDepth' | 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages' | 'entryCount'
>;

/** Of an entry on its page, beside key and value: header, index, alignment. */
const NODE_BYTES = 32;
/** What any transaction needs: the tree of databases, the list of free pages, the way down to them. */
const FIXED_PAGES = 64;

/** Pages of a transaction that are not of the entries: above all the list of free pages, which is written anew. */
export function overheadPages(lastPage: number): number {
  return FIXED_PAGES + Math.ceil(lastPage / 128);
}

/** Bytes of an entry as it is stored, beside its node; a bound of them for a short key. */
export function entryBytes([key, value]: SpillEntry): number {
  return isLong(key)
    ? 2 * SHORT_KEY_BYTES + Buffer.byteLength(key) + value.length
    : 3 * key.length + value.length;
}

/**
 * Each entry copies its leaf and the branches above (copy on write), unless another entry of the transaction did. A leaf
 * that was full splits at its first new entry, and later once it has taken a quarter of a page. A value above a quarter of
 * a page may have pages of its own, side by side.
 */
export function growthOfPut(tree: Tree, entries: readonly SpillEntry[]): number {
  const quarter = tree.pageSize / 4;
  let ownPages = 0;
  let leafBytes = 0;
  for (const entry of entries) {
    const bytes = entryBytes(entry) + NODE_BYTES;
    if (bytes > quarter) ownPages += Math.ceil((bytes + NODE_BYTES) / tree.pageSize);
    leafBytes += Math.min(bytes, tree.pageSize / 2);
  }
  const { leaves, branches } = copies(tree, entries.length);
  const splits = Math.min(entries.length, leaves + Math.ceil(leafBytes / quarter));
  return leaves + branches + ownPages + 2 * splits; // a split of a leaf may split the branch above
}

/** A page that becomes too empty takes entries of its neighbour, which is copied for that. */
export function growthOfDelete(tree: Tree, count: number): number {
  const { leaves, branches } = copies(tree, count);
  return 2 * (leaves + branches);
}

function copies(tree: Tree, count: number): { leaves: number; branches: number } {
  return {
    leaves: Math.min(count, tree.treeLeafPageCount),
    branches: Math.min(count * tree.treeDepth, tree.treeBranchPageCount),
  };
}
