// One message of the chat as Telegram draws it.
import { button, h, icon, iconButton } from "./dom.js";
import { clock, t } from "./i18n.js";
import { spaced } from "./shell.js";
import { richText } from "./text.js";

const file = (url) => new URL(url, document.baseURI).pathname;

function card(iconName, ...lines) {
  return h("div", { class: "card" }, icon(iconName), h("div", {}, lines));
}

const BODIES = {
  photo: ({ url }) => h("img", { class: "photo", src: file(url), alt: t("photo") }),
  voice: ({ url }) =>
    h("audio", { controls: true, preload: "none", src: file(url), "aria-label": t("voice") }),
  audio: ({ url }) =>
    h("audio", { controls: true, preload: "none", src: file(url), "aria-label": t("audio") }),
  document: ({ url, file_name: name }) =>
    card("document", h("a", { href: file(url), download: name ?? "" }, name ?? t("document"))),
  contact: ({ phone_number: number, first_name: name }) =>
    card("contact", h("strong", {}, name), h("span", {}, spaced(number))),
  location: ({ latitude, longitude }) =>
    card("location", h("strong", {}, t("location")), h("span", {}, `${latitude}, ${longitude}`)),
};

/** The plain words of a message, for quoting and for screen readers. */
export function summary(message) {
  const kind = Object.keys(BODIES).find((name) => message[name]);
  return message.text ?? message.caption ?? (kind ? t(kind) : "");
}

function keyButton(key, message, onPress) {
  if (key.url) {
    return h(
      "a",
      { class: "key", href: key.url, target: "_blank", rel: "noopener noreferrer" },
      key.text,
      icon("link"),
    );
  }
  return button(key.text, (event) => onPress(message, key, event.currentTarget), { class: "key" });
}

function inlineKeyboard(message, onPress) {
  if (!message.inline_keyboard) return null;
  return h(
    "div",
    { class: "inline-keyboard" },
    message.inline_keyboard.map((row) =>
      h(
        "div",
        { class: "key-row" },
        row.map((key) => keyButton(key, message, onPress)),
      ),
    ),
  );
}

function quote(message, messages) {
  if (message.reply_to === null) return null;
  const original = messages.find(({ message_id: id }) => id === message.reply_to);
  return h("p", { class: "quote" }, original ? summary(original) : t("deleted_message"));
}

/** The small button of a bubble and the row of actions that it opens beneath. */
function messageActions(message, actions) {
  const own = message.from === "person";
  const wanted = [
    own && message.text !== null ? ["edit", actions.edit] : null,
    own ? ["delete", actions.remove] : null,
    ["reply", actions.reply],
  ].filter(Boolean);
  const row = h("div", { class: "message-actions", hidden: true });
  const opener = iconButton("more", t("message_actions"), () => open(row.hidden), {
    class: "opener",
    "aria-expanded": "false",
  });
  function open(isOpen) {
    row.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) row.scrollIntoView({ block: "nearest" });
  }
  for (const [name, action] of wanted) {
    const choose = () => {
      open(false);
      action(message);
    };
    row.append(button(t(name), choose, { class: "small" }));
  }
  return { row, opener };
}

/** `actions`: command(text), press(message, key, node), edit, remove and reply (message). */
export function renderMessage(message, messages, actions) {
  if (message.from === "service") {
    return h("li", { class: "message service" }, h("p", {}, summary(message)));
  }
  const text = message.text ?? message.caption;
  const body = Object.keys(BODIES).filter((name) => message[name]);
  const { row, opener } = messageActions(message, actions);
  const time = [message.edited ? t("edited") : null, clock(message.date)]
    .filter(Boolean)
    .join(" · ");
  return h(
    "li",
    { class: `message ${message.from}` },
    h(
      "div",
      { class: "bubble" },
      quote(message, messages),
      body.map((name) => BODIES[name](message[name])),
      text
        ? h("p", { class: "text" }, richText(text, message.entities ?? [], actions.command))
        : null,
      h("div", { class: "foot" }, h("span", { class: "time" }, time), opener),
    ),
    row,
    inlineKeyboard(message, actions.press),
  );
}
