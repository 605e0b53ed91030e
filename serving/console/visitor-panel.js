/** A visitor: who is there, what was viewed and bought, and what is recommended now and why. */
import { getJson } from './api.js';
import { byId, h, itemTile, reconcile, setNote, setText } from './dom.js';
import { formatAgo, shortId } from './format.js';
import { itemLabel, titleOf, updateItemLabel } from './item-cards.js';

const RECOMMENDATIONS = 8;
const HISTORY = 8;
const CHIPS = 6;
const SOURCES = { 'co-visitation': 'Viewed together', trending: 'Trending', 'last-resort': 'Fallback' };

/** `onChoice` is called after another visitor was chosen, so that the answer need not wait for the next round. */
export function createVisitorPanel(onChoice) {
  let chosen = new URLSearchParams(location.hash.slice(1)).get('visitor') ?? '';
  let known = [];
  const input = byId('visitor');
  input.value = chosen;

  const choose = (visitor) => {
    chosen = visitor;
    input.value = visitor;
    history.replaceState(null, '', visitor === '' ? '#' : `#visitor=${encodeURIComponent(visitor)}`);
    byId('visitor-body').hidden = true;
    setNote(byId('visitor-note'), visitor === '' ? 'Choose a visitor.' : 'Loading…');
    showVisitors(known, chosen, choose);
    onChoice();
  };
  byId('visitor-form').addEventListener('submit', (event) => {
    event.preventDefault();
    choose(input.value.trim());
  });

  return {
    /** Brings the list of visitors up to date and chooses the first one where none is chosen. */
    async refreshVisitors() {
      const { visitors } = await getJson('/v1/visitors/active');
      known = visitors ?? [];
      if (chosen === '' && known[0] !== undefined) choose(known[0].anonymousId);
      if (chosen === '') setNote(byId('visitor-note'), emptyNote(visitors));
      showVisitors(known, chosen, choose);
    },
    async refresh() {
      if (chosen === '') return;
      const visitor = chosen;
      const id = encodeURIComponent(visitor);
      const [answer, seen] = await Promise.all([
        getJson(`/v1/recommendations?anonymousId=${id}&limit=${RECOMMENDATIONS}`),
        getJson(`/v1/visitors/${id}/history`).catch(() => null),
      ]);
      if (visitor !== chosen) return;
      setNote(
        byId('visitor-note'),
        answer.degraded ? 'The online store does not answer. These items come from memory.' : null,
      );
      byId('visitor-body').hidden = false;
      showHistory(seen);
      showAnswer(answer);
    },
  };
}

function emptyNote(visitors) {
  return visitors === null
    ? 'Visitors cannot be listed without ClickHouse. Type an anonymousId above.'
    : 'No visitors yet. They appear here with the first product views.';
}

function showVisitors(visitors, chosen, choose) {
  const ids = visitors.map((visitor) => visitor.anonymousId);
  const possible = ids.includes(chosen) || chosen === '' ? ids : [chosen, ...ids];
  // Keeps the chips that are already there, in their order: a chip must not run away from the pointer.
  const before = [...byId('visitor-chips').children].map((chip) => chip.dataset.key);
  const kept = before.filter((id) => possible.includes(id));
  const order = [...kept, ...possible.filter((id) => !kept.includes(id))].slice(0, CHIPS);
  if (chosen !== '' && !order.includes(chosen)) order.splice(-1, 1, chosen);
  reconcile(byId('visitor-chips'), order, {
    key: (id) => id,
    create: (id) => {
      const chip = h('button', { type: 'button', title: id }, shortId(id, 16));
      chip.addEventListener('click', () => choose(id));
      return chip;
    },
    update: (chip, id) => chip.setAttribute('aria-pressed', String(id === chosen)),
  });
  reconcile(byId('visitors'), ids, {
    key: (id) => id,
    create: (id) => h('option', { value: id }),
    update: () => undefined,
  });
}

function showHistory(seen) {
  const bought = new Set((seen?.bought ?? []).map((item) => item.itemId));
  const viewed = seen?.viewed ?? [];
  const boughtOnly = (seen?.bought ?? []).filter(
    (item) => !viewed.some((view) => view.itemId === item.itemId),
  );
  const items = [...viewed, ...boughtOnly].sort((a, b) => b.atMs - a.atMs).slice(0, HISTORY);
  reconcile(byId('history'), items, {
    key: (item) => item.itemId,
    create: ({ itemId }) =>
      h(
        'li',
        {},
        itemTile(itemId),
        itemLabel(itemId, 18),
        h('span', { className: 'tag bought' }, 'bought'),
        h('time', {}),
      ),
    update(row, item) {
      updateItemLabel(row);
      row.querySelector('.bought').hidden = !bought.has(item.itemId);
      setText(row.querySelector('time'), formatAgo(item.atMs, Date.now()));
    },
  });
  setNote(byId('history-note'), historyNote(seen, items));
}

function historyNote(seen, items) {
  if (seen === null) return 'Histories are shown on the machine of the server only.';
  return items.length > 0 ? null : 'Nothing viewed yet.';
}

function showAnswer(answer) {
  reconcile(byId('recs'), answer.items, {
    key: (item) => item.itemId,
    create: ({ itemId }) =>
      h(
        'li',
        {},
        h('span', { className: 'rank' }),
        itemTile(itemId),
        itemLabel(itemId, 26),
        h('span', { className: 'tag' }),
        h('span', { className: 'reason' }),
      ),
    update(row, item, index) {
      setText(row.querySelector('.rank'), String(index + 1));
      updateItemLabel(row);
      setText(row.querySelector('.reason'), reasonOf(item));
      const tag = row.querySelector('.tag');
      tag.dataset.source = item.source;
      setText(tag, SOURCES[item.source] ?? item.source);
    },
  });
  setNote(byId('recs-note'), answerNote(answer));
  setText(byId('rec-meta'), `model ${answer.modelVersion}`);
}

/** The reason with titles where it ends in ids. */
function reasonOf({ reason, because }) {
  const ids = because.join(' and ');
  if (ids === '' || !reason.endsWith(ids)) return reason;
  return reason.slice(0, -ids.length) + because.map(titleOf).join(' and ');
}

function answerNote({ items, reason }) {
  if (items.length > 0) return null;
  return reason === 'all-bought'
    ? 'Everything that is known was bought by this visitor.'
    : 'No data yet: nobody has viewed anything.';
}
