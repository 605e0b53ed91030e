/** How many tasks of each group each member gets, in the order of the groups. */
export type Shares = readonly ReadonlyMap<string, number>[];

interface Edge {
  readonly from: number;
  readonly to: number;
  room: number;
  readonly cost: number;
}

/** What it is worth to fill a member up to the even share: more than any number of tasks that stay. */
const EVEN = 1_000_000;

/**
 * Shares of groups of tasks, even within one in each group and in all, that let the most tasks stay with their owners.
 *
 * In a group of c tasks each of n members gets ⌊c/n⌋; the c mod n that are left over go to as many members, and giving
 * one to a member that owns more than ⌊c/n⌋ saves a move. Which member gets which is a minimum-cost flow from groups to
 * members (successive shortest paths: Ahuja, Magnanti and Orlin, Network Flows, section 9.7), with the even share of all
 * that is left over as the capacity of a member. O(left over × members × groups) for each of a few rounds.
 */
export function shareOut(
  members: readonly string[],
  groups: readonly { readonly owners: readonly (string | undefined)[] }[],
): Shares {
  const n = members.length;
  const floors = groups.map(({ owners }) => Math.floor(owners.length / n));
  const extras = groups.map(({ owners }) => owners.length % n);
  const total = extras.reduce((sum, count) => sum + count, 0);
  const [source, firstMember, sink] = [0, 1 + groups.length, 1 + groups.length + n];
  const flow = new Flow(sink + 1);
  const gives = groups.map(({ owners }, g) => {
    flow.edge({ from: source, to: 1 + g, room: extras[g] ?? 0, cost: 0 });
    return members.map((member, m) => {
      const owned = owners.filter((owner) => owner === member).length;
      const saves = owned > (floors[g] ?? 0) ? 1 : 0;
      return flow.edge({ from: 1 + g, to: firstMember + m, room: 1, cost: -saves });
    });
  });
  members.forEach((_, m) => {
    flow.edge({ from: firstMember + m, to: sink, room: Math.floor(total / n), cost: -EVEN });
    flow.edge({ from: firstMember + m, to: sink, room: total % n === 0 ? 0 : 1, cost: 0 });
  });
  for (let sent = 0; sent < total; sent++) flow.augment(source, sink);
  return groups.map(
    (_, g) =>
      new Map(members.map((member, m) => [member, (floors[g] ?? 0) + (gives[g]?.[m]?.room === 0 ? 1 : 0)])),
  );
}

/** Sends one unit at a time along the cheapest path that has room. */
class Flow {
  readonly #edges: Edge[] = [];
  readonly #nodes: number;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** Adds an edge and its reverse, which takes back what was sent. */
  edge(edge: Edge): Edge {
    this.#edges.push(edge, { from: edge.to, to: edge.from, room: 0, cost: -edge.cost });
    return edge;
  }

  /** Bellman and Ford: costs are negative, but no cycle's sum is. */
  augment(source: number, sink: number): void {
    const cost = new Array<number>(this.#nodes).fill(Infinity);
    const via = new Array<number>(this.#nodes).fill(-1);
    cost[source] = 0;
    for (let changed = true; changed; ) {
      changed = false;
      this.#edges.forEach(({ from, to, room, cost: price }, index) => {
        const reached = (cost[from] ?? Infinity) + price;
        if (room === 0 || reached >= (cost[to] ?? Infinity)) return;
        cost[to] = reached;
        via[to] = index;
        changed = true;
      });
    }
    for (let node = sink; node !== source; ) {
      const index = via[node] ?? -1;
      const edge = this.#edges[index];
      const back = this.#edges[index ^ 1];
      if (edge === undefined || back === undefined) throw new Error('an even share exists for any groups');
      edge.room -= 1;
      back.room += 1;
      node = edge.from;
    }
  }
}
