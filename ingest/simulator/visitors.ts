/** Who comes to the simulated shop: devices with tastes, some of them of the same user. */
import { drawMarket, type Market } from './markets.ts';
import type { Catalogue } from './catalogue.ts';
import { STYLES } from './catalogue.ts';
import { createRandom, createWeighted, type Draw, type Random } from '../../platform/random.ts';
import type { ShopSettings } from './shop-options.ts';

export interface Card {
  readonly fingerprint: string;
  /** Until then another use could look like card testing. */
  freeFromMs: number;
}

export interface Visitor {
  readonly anonymousId: string;
  /** Pseudonym of the account, where there is one; two devices may share it. */
  readonly userId: string | undefined;
  readonly segment: 'consumer' | 'business' | 'government';
  readonly market: Market;
  readonly device: 'desktop' | 'mobile' | 'tablet';
  readonly drawCategory: Draw<string>;
  /** Favourite style by category. */
  readonly styles: ReadonlyMap<string, number>;
  readonly ipPrefix: string;
  readonly cards: readonly Card[];
  /** A device that is logged in stays so. */
  loggedIn: boolean;
  busyUntilMs: number;
}

/** Weights of the categories that somebody likes; the rest is left aside but for a few looks. */
const TASTE = [10, 5, 2] as const;
const OTHER_CATEGORY = 0.15;
const DEVICES_PER_USER = 1.4;

/** The visitors of a seed; only their cards depend on the epoch, since a new start forgets when they were used. */
export function createVisitors(settings: ShopSettings, catalogue: Catalogue): readonly Visitor[] {
  const random = createRandom(settings.seed, 'visitors');
  const cards = createRandom(settings.seed, 'cards', settings.epoch);
  const users = Math.ceil(settings.visitors / DEVICES_PER_USER);
  const tag = shopTag(settings);
  return Array.from({ length: settings.visitors }, (_, index) => {
    // Both devices of a user decide alike, for the account is the user's.
    const account = createRandom(settings.seed, 'account', index % users);
    const market = drawMarket(account);
    const hasAccount = account.chance(0.8);
    const segment = account.chance(0.08) ? 'business' : account.chance(0.03) ? 'government' : 'consumer';
    return {
      anonymousId: `visitor-${tag}-${index}`,
      userId: hasAccount ? `user-${tag}-${index % users}` : undefined,
      segment,
      market,
      device: random.pick(['desktop', 'mobile', 'mobile', 'tablet'] as const),
      ...createTaste(account, catalogue),
      ipPrefix: `198.18.${random.int(256)}.0/24`,
      cards: [createCard(cards), createCard(cards)],
      loggedIn: false,
      busyUntilMs: 0,
    };
  });
}

/** Part of the ids of a shop, so that shops with different seeds have no visitor in common. */
export function shopTag(settings: ShopSettings): string {
  return Buffer.from(createRandom(settings.seed, 'tag').bytes(3)).toString('hex');
}

function createTaste(random: Random, catalogue: Catalogue): Pick<Visitor, 'drawCategory' | 'styles'> {
  const first = random.int(catalogue.categories.length);
  // Neighbouring categories go together, so that tastes form groups.
  const rankOf = (category: string) =>
    (catalogue.categories.indexOf(category) - first + catalogue.categories.length) %
    catalogue.categories.length;
  return {
    drawCategory: createWeighted(
      catalogue.categories,
      (category) => TASTE[rankOf(category)] ?? OTHER_CATEGORY,
    ),
    styles: new Map(catalogue.categories.map((category) => [category, random.int(STYLES)])),
  };
}

/** A card as a payment provider shows it: letters only, so that it cannot be taken for a card number. */
export function createCard(random: Random): Card {
  const letters = Array.from(random.bytes(16), (byte) => String.fromCharCode(0x61 + (byte & 0x0f)));
  return { fingerprint: `fp_${letters.join('')}`, freeFromMs: 0 };
}
