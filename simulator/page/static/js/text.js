// What a screen makes of a text: Telegram's marked-up pieces, and boxes for letters it lacks.
import { h } from "./dom.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};
const KHMER = /[\u1780-\u17ff\u19e0-\u19ff]/gu;
// Zero width space and joiners: a phone without the font shows nothing for these.
const INVISIBLE = /[\u200b-\u200d\ufeff]/gu;

export const asBoxes = (text) => text.replace(INVISIBLE, "").replace(KHMER, "□");

const SAFE_LINK = /^(https?|tg|mailto|tel):/i;

function link(address, content) {
  if (!SAFE_LINK.test(address)) return h("span", {}, content);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, content);
}

function element(entity, text, content, onCommand) {
  switch (entity.type) {
    case "text_link":
      return link(entity.url ?? "", content);
    case "url":
      return link(/^\w+:/.test(text) ? text : `https://${text}`, content);
    case "email":
      return link(`mailto:${text}`, content);
    case "phone_number":
      return link(`tel:${text.replace(/[^+\d]/g, "")}`, content);
    case "bot_command":
      return h(
        "button",
        { type: "button", class: "text-link", on: { click: () => onCommand(text) } },
        content,
      );
    default:
      return h(TAGS[entity.type] ?? "span", { class: `entity-${entity.type}` }, content);
  }
}

/** Nodes for `text`; entity offsets are UTF-16 units, as JavaScript counts too. */
export function richText(text, entities, onCommand) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  function between(start, end, inside) {
    const nodes = [];
    let at = start;
    for (let i = 0; i < inside.length; i += 1) {
      const entity = inside[i];
      if (entity.offset < at) continue;
      const stop = Math.min(entity.offset + entity.length, end);
      const nested = inside.slice(i + 1).filter((other) => other.offset < stop);
      if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
      nodes.push(
        element(
          entity,
          text.slice(entity.offset, stop),
          between(entity.offset, stop, nested),
          onCommand,
        ),
      );
      at = stop;
    }
    if (at < end) nodes.push(text.slice(at, end));
    return nodes;
  }
  return between(0, text.length, sorted);
}
