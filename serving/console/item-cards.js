/** Titles, categories and prices of the items in view: asked for in one request, kept in the page. */
import { getJson } from './api.js';
import { h, setText } from './dom.js';
import { formatMoney, shortId } from './format.js';

/** The API takes so many ids in one request. */
const MOST_ASKED = 100;
const MOST_KEPT = 2000;
const LONGEST_ID = 200;
const UNKNOWN_AGAIN_MS = 30_000;
/** A title or a price may change while the page stays open. */
const KNOWN_AGAIN_MS = 300_000;

/** By item: what is shown of its card (null: it has none), and when to ask again. The oldest come first. */
const kept = new Map();
/** Items in view whose card is missing or due. */
const wanted = new Set();

function cardOf(itemId) {
  if (isDue(itemId)) wanted.add(itemId);
  return kept.get(itemId)?.card ?? null;
}

function isDue(itemId) {
  return (kept.get(itemId)?.againMs ?? 0) <= Date.now();
}

// One id that the API refuses would refuse them all.
const isAskable = (itemId) => itemId !== '' && itemId.length <= LONGEST_ID && !itemId.includes(',');

/** The title of an item, or its id while the title is not known. */
export function titleOf(itemId) {
  return cardOf(itemId)?.title ?? itemId;
}

/** A label with title, id, category and price; with the id alone, cut to `idLength`, while there is no card. */
export function itemLabel(itemId, idLength) {
  const label = h(
    'span',
    { className: 'item-label' },
    h('span', { className: 'item-name' }, shortId(itemId, idLength)),
    h(
      'span',
      { className: 'item-detail', hidden: true },
      h('span', { className: 'item-id' }, shortId(itemId)),
      h('span', { className: 'item-category' }),
      h('span', { className: 'item-price' }),
    ),
  );
  label.dataset.item = itemId;
  label.title = itemId;
  fillLabel(label);
  return label;
}

/** Brings a row that holds an {@link itemLabel} up to date. */
export function updateItemLabel(row) {
  fillLabel(row.querySelector('.item-label'));
}

function fillLabel(label) {
  const itemId = label.dataset.item;
  const card = cardOf(itemId);
  if (card === null) return;
  setText(label.querySelector('.item-name'), card.title);
  setText(label.querySelector('.item-category'), card.category);
  setText(label.querySelector('.item-price'), card.price);
  label.querySelector('.item-detail').hidden = false;
  label.dataset.active = String(card.active);
  const state = card.active ? card.price : `${card.price}, not on sale`;
  label.title = [card.title, itemId, card.category, state].filter((text) => text !== '').join('\n');
}

/** Asks for the cards that are wanted until none is, and fills the labels of the page. @throws ApiError */
export async function refreshItemCards() {
  // Panels wish on while an answer is on the way: those wishes are met at once, not in the next round.
  for (let ids = takeWanted(); ids.length > 0; ids = takeWanted()) {
    const { items, degraded } = await getJson(`/v1/items?ids=${ids.map(encodeURIComponent).join(',')}`);
    const answered = new Map(items.map((item) => [item.itemId, item]));
    for (const id of ids) keep(id, answered.get(id), degraded);
    for (const label of document.querySelectorAll('.item-label')) fillLabel(label);
  }
}

/** What one request may ask for. An item that was asked for meanwhile, or cannot be, is no longer wanted. */
function takeWanted() {
  const ids = [...wanted].filter((id) => isAskable(id) && isDue(id)).slice(0, MOST_ASKED);
  wanted.clear();
  return ids;
}

function keep(itemId, item, degraded) {
  const before = kept.get(itemId)?.card ?? null;
  const card = item === undefined ? (degraded ? before : null) : shownOf(item);
  kept.delete(itemId);
  kept.set(itemId, { card, againMs: Date.now() + (item === undefined ? UNKNOWN_AGAIN_MS : KNOWN_AGAIN_MS) });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
}

function shownOf({ itemId, title, category, priceMinor, currency, active }) {
  return { title: title === '' ? itemId : title, category, price: formatMoney(priceMinor, currency), active };
}
