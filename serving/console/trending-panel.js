/** The most wanted items, with bars relative to the first. */
import { byId, h, itemTile, reconcile, setNote, setText } from './dom.js';
import { formatAgo } from './format.js';
import { itemLabel, updateItemLabel } from './item-cards.js';

export function showTrending({ items, asOf, degraded }) {
  const best = Math.max(...items.map((item) => item.score), Number.MIN_VALUE);
  reconcile(byId('trending'), items, {
    key: (item) => item.itemId,
    create: ({ itemId }) =>
      h(
        'li',
        {},
        h('span', { className: 'rank' }),
        itemTile(itemId),
        itemLabel(itemId, 22),
        h('span', { className: 'track', ariaHidden: 'true' }, h('i')),
      ),
    update(row, item, index) {
      setText(row.querySelector('.rank'), String(index + 1));
      updateItemLabel(row);
      row.querySelector('i').style.setProperty('width', `${(item.score / best) * 100}%`);
    },
  });
  setText(byId('trending-as-of'), asOf === null ? '' : `updated ${formatAgo(Date.parse(asOf), Date.now())}`);
  setNote(byId('trending-note'), noteOf(items, degraded));
}

function noteOf(items, degraded) {
  if (degraded) {
    return items.length > 0
      ? 'The online store does not answer. This is the last list that was read.'
      : 'The online store does not answer. The list comes back by itself.';
  }
  return items.length > 0 ? null : 'Nothing is trending yet. The list fills with the first product views.';
}
