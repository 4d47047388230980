// What both kinds of phones share: the caption with name, number and settings, around the device.
import { attempt, askForm, confirm } from "./ask.js";
import { call } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";

export const spaced = (number) => number.replace(/^\+855(\d{2})(\d{3})(\d+)$/, "0$1 $2 $3");

/** A button that opens a short list of actions; the list closes on Escape, choice or leaving. */
export function actionsMenu(label, listActions) {
  const list = h("div", { class: "menu-list", hidden: true });
  const opener = iconButton("more", label, () => toggle(list.hidden), { "aria-expanded": "false" });
  const box = h("div", { class: "menu" }, opener, list);

  function toggle(open) {
    list.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    list.replaceChildren(
      ...listActions().map(([name, text, action]) =>
        h(
          "button",
          {
            type: "button",
            on: {
              click: () => {
                toggle(false);
                opener.focus();
                action();
              },
            },
          },
          icon(name),
          h("span", {}, text),
        ),
      ),
    );
    list.firstElementChild.focus();
  }

  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    toggle(false);
    opener.focus();
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) toggle(false);
  });
  return box;
}

async function rename(phone) {
  const fields = [
    { name: "name", label: t("name"), value: phone.name, required: true, maxlength: 64 },
  ];
  if (phone.kind === "telegram") {
    const options = [
      ["km", "ខ្មែរ"],
      ["en", "English"],
    ];
    fields.push({
      name: "language_code",
      label: t("app_language"),
      value: phone.language_code,
      options,
    });
  }
  const values = await askForm(t("rename"), fields, t("save"));
  if (values) await attempt(() => call("PATCH", `phones/${phone.id}`, values));
}

async function remove(phone) {
  if (await confirm(t("remove_ask", { name: phone.name }), t("remove"))) {
    await attempt(() => call("DELETE", `phones/${phone.id}`));
  }
}

/** The frame of one phone. `phone()` gives its present state. */
export function phoneShell(phone, device) {
  const name = h("h2", { class: "owner-name" });
  const number = h("p", { class: "owner-number" });
  const menu = h("div", { class: "owner-menu" });
  const section = h(
    "section",
    { class: `phone phone-${phone().kind}`, id: `phone-${phone().id}` },
    h(
      "div",
      { class: "owner" },
      h("span", { class: "owner-kind" }, t(`kind_${phone().kind}`)),
      h("div", { class: "owner-text" }, name, number),
      menu,
    ),
    device,
  );
  function update() {
    section.setAttribute("aria-label", `${phone().name}, ${t(`kind_${phone().kind}`)}`);
    if (name.textContent !== phone().name) {
      name.textContent = phone().name;
      menu.replaceChildren(
        actionsMenu(t("phone_menu", { name: phone().name }), () => [
          ["edit", t("rename"), () => rename(phone())],
          ["delete", t("remove"), () => remove(phone())],
        ]),
      );
    }
    number.textContent = spaced(phone().number);
  }
  return { section, update };
}

/** Keep a list of messages at its end while it is there; leave it alone once scrolled up. */
export function stayAtEnd(log) {
  let atEnd = true;
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
  };
  log.addEventListener(
    "scroll",
    () => {
      atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    },
    { passive: true },
  );
  new ResizeObserver(() => atEnd && toEnd()).observe(log);
  log.addEventListener("load", () => atEnd && toEnd(), true);
  return {
    settle: () => atEnd && toEnd(),
    goToEnd: () => {
      atEnd = true;
      toEnd();
    },
  };
}

/** Tell a screen reader what came in, without moving the focus. */
export function announce(text) {
  const live = document.getElementById("live");
  live.append(h("p", {}, text));
  while (live.childElementCount > 5) live.firstElementChild.remove();
}
