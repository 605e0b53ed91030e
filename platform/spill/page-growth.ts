import type { DatabaseStats } from 'lmdb';
import type { SpillEntry } from './port.ts';
import { isLong, storedKeyBytes } from './stored-key.ts';

/** Most pages that a write transaction may add to the file, in the worst case: no freed page can be used again. */

/** Pages of the tree of one database. */
export type Tree = Pick<
  DatabaseStats,
  'pageSize' | 'treeDepth' | 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages' | 'entryCount'
>;

/** The largest that was ever put into a database, in bytes. */
export interface Largest {
  readonly key: number;
  /** An entry on its leaf. */
  readonly node: number;
}

/** What entries take on the pages. */
export interface PutSizes {
  readonly count: number;
  readonly leafBytes: number;
  /** Of the values that have pages of their own, side by side. */
  readonly ownPages: number;
  readonly largest: Largest;
}

/** Header, index and alignment of an entry on a page. */
const NODE_BYTES = 24;
/** Where the page of a value begins, and its header. */
const OWN_PAGE_BYTES = 16;
/** What any transaction needs: the tree of databases, the list of free pages, the way down to them. */
const FIXED_PAGES = 64;

/** Pages of a transaction that are not of the entries: above all the list of free pages, which is written anew. */
export function overheadPages(lastPage: number): number {
  return FIXED_PAGES + Math.ceil(lastPage / 128);
}

/** A value that would leave no room for a second entry on the leaf has pages of its own; near that limit both count. */
export function sizesOfPut(entries: readonly SpillEntry[], pageSize: number): PutSizes {
  const largestOnLeaf = pageSize / 2;
  let [leafBytes, ownPages, largestKey, largestNode] = [0, 0, 0, 0];
  for (const [key, value] of entries) {
    const keyBytes = storedKeyBytes(key);
    const valueBytes = value.length + (isLong(key) ? 4 + Buffer.byteLength(key) : 0);
    const bytes = keyBytes + valueBytes + NODE_BYTES;
    if (bytes > largestOnLeaf - NODE_BYTES) ownPages += Math.ceil((valueBytes + OWN_PAGE_BYTES) / pageSize);
    const nodeBytes = bytes > largestOnLeaf + NODE_BYTES ? keyBytes + NODE_BYTES + OWN_PAGE_BYTES : bytes;
    leafBytes += nodeBytes;
    largestKey = Math.max(largestKey, keyBytes);
    largestNode = Math.max(largestNode, nodeBytes);
  }
  return { count: entries.length, leafBytes, ownPages, largest: { key: largestKey, node: largestNode } };
}

export function largerOf(a: Largest, b: Largest): Largest {
  return { key: Math.max(a.key, b.key), node: Math.max(a.node, b.node) };
}

/**
 * Each entry copies its leaf and the branches above (copy on write), unless another entry of the transaction did. A leaf
 * splits at its first new entry, if it was full; its halves split again once they have taken what the largest entry may
 * have left free. Each new page is an entry of the branch above, which splits likewise.
 * @param largest of the entries that are there and those that come
 */
export function growthOfPut(tree: Tree, put: PutSizes, largest: Largest): number {
  const { leaves, branches } = copies(tree, put.count);
  const leafSplits = Math.min(put.count, leaves + splits(put.leafBytes, largest.node, tree.pageSize));
  const branchNode = largest.key + NODE_BYTES;
  const branchSplits = Math.min(
    leafSplits,
    branches + 1 + splits(leafSplits * branchNode, branchNode, tree.pageSize),
  );
  return leaves + branches + put.ownPages + leafSplits + 2 * branchSplits + 1;
}

/** A page that becomes too empty takes entries of its neighbour, which is copied for that. */
export function growthOfDelete(tree: Tree, count: number): number {
  const { leaves, branches } = copies(tree, count);
  return 2 * (leaves + branches);
}

function splits(bytes: number, largestNode: number, pageSize: number): number {
  const half = Math.max((pageSize - 2 * NODE_BYTES - largestNode) / 2, pageSize / 5);
  return Math.ceil(bytes / half);
}

function copies(tree: Tree, count: number): { leaves: number; branches: number } {
  return {
    leaves: Math.min(count, tree.treeLeafPageCount),
    branches: Math.min(count * tree.treeDepth, tree.treeBranchPageCount),
  };
}
