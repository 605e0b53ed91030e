/** Small DOM builders. Text always goes in as text, so that no value of the API can become markup. */

/** The element with that id; a missing one is a fault of the page. */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element #${id}`);
  return element;
}

/** `h('p', { className: 'note', title }, child, …)`: an element with properties and children; null children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets the text only where it differs: screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a sentence, or hides the element for null. */
export function setNote(element, text) {
  element.hidden = text === null;
  if (text !== null) setText(element, text);
}

/**
 * Brings the children of `list` in line with `items`: keeps an element while its key stays, moves what moved, and so
 * leaves focus, hover and animations alone. `update` gets an element of `create` and its item.
 */
export function reconcile(list, items, { key, create, update }) {
  const existing = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = key(item);
    let child = existing.get(name);
    if (child === undefined) {
      child = create(item);
      child.dataset.key = name;
    }
    existing.delete(name);
    update(child, item, index);
    const there = list.children[index];
    if (there !== child) list.insertBefore(child, there ?? null);
  });
  for (const gone of existing.values()) gone.remove();
}

/** A small coloured tile that makes an item recognisable from list to list. */
export function itemTile(itemId) {
  const tile = h('span', { className: 'item-tile', ariaHidden: 'true' }, itemId.slice(-2).toUpperCase());
  tile.style.setProperty('--hue', String(hueOf(itemId)));
  return tile;
}

/** FNV-1a over the text, as an angle on the colour wheel. */
function hueOf(text) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash % 360;
}
