/** What the simulated shop sells: categories, styles within them, popularity by Zipf's law. */
import { MARKETS, drawMarket, type Market } from './markets.ts';
import { createRandom, createWeighted, type Draw, type Random } from '../../platform/random.ts';

export interface Seller {
  readonly sellerId: string;
  readonly market: Market;
  /** A private person: orders are c2c. */
  readonly isPrivate: boolean;
}

export interface Item {
  readonly itemId: string;
  readonly title: string;
  readonly category: string;
  readonly brand: string;
  readonly style: number;
  readonly euroCents: number;
  readonly seller: Seller;
}

export interface Catalogue {
  readonly items: readonly Item[];
  readonly categories: readonly string[];
  /** An item of a category, as somebody with that style would choose it. */
  draw(random: Random, category: string, style: number): Item;
}

/** Styles of a category: who likes one of its items likes others of the style, which recommenders can learn. */
export const STYLES = 4;
const STYLE_AFFINITY = 10;
const ZIPF_EXPONENT = 1.05;

const CATEGORIES = [
  { name: 'shoes', euroCents: 8_000 },
  { name: 'jackets', euroCents: 12_000 },
  { name: 'headphones', euroCents: 9_000 },
  { name: 'cameras', euroCents: 45_000 },
  { name: 'lamps', euroCents: 5_000 },
  { name: 'cookware', euroCents: 4_000 },
  { name: 'toys', euroCents: 2_500 },
  { name: 'books', euroCents: 1_500 },
  { name: 'cosmetics', euroCents: 2_000 },
  { name: 'bicycles', euroCents: 60_000 },
  { name: 'garden', euroCents: 3_500 },
  { name: 'coffee', euroCents: 1_200 },
] as const;
const BRANDS = [
  'Arden',
  'Borealis',
  'Cinder',
  'Delta Nine',
  'Eika',
  'Foxglove',
  'Granite',
  'Halden',
] as const;

/** The catalogue of a seed; it does not depend on the epoch. */
export function createCatalogue(seed: number, itemCount: number): Catalogue {
  const random = createRandom(seed, 'catalogue');
  const sellers = CATEGORIES.map(({ name }) => createSellers(random, name));
  const items = Array.from({ length: itemCount }, (_, index) => {
    const place = index % CATEGORIES.length;
    return createItem(random, index, CATEGORIES[place] ?? CATEGORIES[0], sellers[place] ?? []);
  });
  const draws = new Map<string, Draw<Item>>();
  for (const { name } of CATEGORIES) {
    // Rank = place in the catalogue, the same for all styles.
    const members = items.filter((item) => item.category === name);
    for (let style = 0; style < STYLES; style++) {
      const weight = (item: Item, rank: number) =>
        (item.style === style ? STYLE_AFFINITY : 1) / (rank + 1) ** ZIPF_EXPONENT;
      draws.set(`${name}/${style}`, createWeighted(members, weight));
    }
  }
  return {
    items,
    categories: CATEGORIES.map(({ name }) => name),
    draw(source, category, style) {
      const draw = draws.get(`${category}/${style}`);
      if (draw === undefined) throw new Error(`no category ${category} with style ${style}`);
      return draw(source);
    },
  };
}

function createSellers(random: Random, category: string): readonly Seller[] {
  const homeMarket = MARKETS[0] ?? drawMarket(random);
  return [
    { sellerId: `seller-${category}-1`, market: homeMarket, isPrivate: false },
    { sellerId: `seller-${category}-2`, market: drawMarket(random), isPrivate: false },
    { sellerId: `seller-${category}-private`, market: drawMarket(random), isPrivate: true },
  ];
}

function createItem(
  random: Random,
  index: number,
  category: (typeof CATEGORIES)[number],
  sellers: readonly Seller[],
): Item {
  const brand = random.pick(BRANDS);
  const seller = sellers[random.chance(0.1) ? 2 : random.chance(0.6) ? 0 : 1];
  return {
    itemId: `item-${String(index + 1).padStart(5, '0')}`,
    title: `${brand} ${category.name} ${index + 1}`,
    category: category.name,
    brand,
    style: random.int(STYLES),
    euroCents: Math.max(99, Math.round(category.euroCents * Math.exp(random.between(-0.8, 0.8)))),
    seller: seller ?? random.pick(sellers),
  };
}
