// Just enough to build elements without a framework. Text always goes in as text, never as HTML.
const SVG = "http://www.w3.org/2000/svg";
const SPRITE = new URL("../icons.svg", import.meta.url).pathname;

/** Build an element: `on` holds listeners, true/false set and leave out attributes. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** A button with an icon; `label` is its name for everyone who cannot see the icon. */
export function iconButton(name, label, onClick, props = {}) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      title: label,
      "aria-label": label,
      on: { click: onClick },
      ...props,
    },
    icon(name),
  );
}

export const button = (label, onClick, props = {}) =>
  h("button", { type: "button", class: "button", on: { click: onClick }, ...props }, label);

/**
 * Make the children of `parent` match `items`, touching only what changed: a node whose item is
 * the same stays the very same node, so nothing jumps, loses focus or stops playing.
 * Returns the new or changed [item, node] pairs, and whether the focused node went away.
 */
export function reconcile(parent, items, keyOf, render) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const fresh = [];
  let replacement = null;
  let lostFocus = false;
  let previous = null;
  for (const item of items) {
    const key = String(keyOf(item));
    const print = JSON.stringify(item);
    let node = old.get(key);
    old.delete(key);
    if (node?.dataset.print !== print) {
      const next = render(item);
      next.dataset.key = key;
      next.dataset.print = print;
      if (node?.contains(document.activeElement)) {
        lostFocus = true;
        replacement = next;
      }
      node?.replaceWith(next);
      node = next;
      fresh.push([item, node]);
    }
    const place = previous ? previous.nextSibling : parent.firstChild;
    if (place !== node) parent.insertBefore(node, place);
    previous = node;
  }
  for (const node of old.values()) {
    lostFocus ||= node.contains(document.activeElement);
    node.remove();
  }
  return { fresh, lostFocus, replacement };
}
