// Small questions to the person: forms, confirmations, notices. All on the native <dialog>, which
// keeps the focus inside, closes on Escape and gives the focus back.
import { ApiError } from "./api.js";
import { button, h } from "./dom.js";
import { t } from "./i18n.js";

let serial = 0;

function open(title, body, buttons) {
  const id = `dialog-${(serial += 1)}`;
  const dialog = h(
    "dialog",
    { class: "ask", "aria-labelledby": id },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id }, title),
      body,
      h("div", { class: "ask-buttons" }, buttons),
    ),
  );
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

const submit = (label) => h("button", { class: "button primary", value: "ok" }, label);

const cancel = () => button(t("cancel"), (event) => event.target.closest("dialog").close());

function field({ name, label, hint, options, ...props }) {
  const control = options
    ? h(
        "select",
        { name },
        options.map(([value, text]) =>
          h("option", { value, selected: value === props.value }, text),
        ),
      )
    : h("input", { name, autocomplete: "off", ...props });
  return h(
    "label",
    { class: "field" },
    h("span", {}, label),
    control,
    hint && h("small", {}, hint),
  );
}

/** Ask for some fields; resolves to {name: value}, or null when the person backs out. */
export function askForm(title, fields, submitLabel) {
  return new Promise((resolve) => {
    const dialog = open(title, fields.map(field), [cancel(), submit(submitLabel)]);
    dialog.addEventListener("close", () => {
      const values = Object.fromEntries(new FormData(dialog.querySelector("form")));
      resolve(dialog.returnValue === "ok" ? values : null);
    });
  });
}

export function confirm(question, yesLabel) {
  return new Promise((resolve) => {
    const dialog = open(question, [], [cancel(), submit(yesLabel)]);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"));
  });
}

export function notice(title, text) {
  open(title, [h("p", {}, text)], [submit(t("close"))]);
}

/** Ask for a file, or take the built-in sample: resolves to a File, "sample", or null. */
export function askFile(title, accept) {
  return new Promise((resolve) => {
    let answer = null;
    const input = h("input", {
      type: "file",
      accept,
      hidden: true,
      on: {
        change: () => {
          answer = input.files[0] ?? null;
          dialog.close();
        },
      },
    });
    const sample = button(
      t("send_sample"),
      () => {
        answer = "sample";
        dialog.close();
      },
      { class: "button primary" },
    );
    // The browser's own file button speaks the browser's language, ours speaks the page's.
    const choose = button(t("choose_file"), () => input.click());
    const dialog = open(
      title,
      [h("p", {}, t("sample_or_file")), input],
      [cancel(), choose, sample],
    );
    dialog.addEventListener("close", () => resolve(answer));
  });
}

/** A short passing message, at the foot of the page or inside `host`. */
export function toast(text, host = document.getElementById("toasts")) {
  const node = h("p", { class: "toast" }, text);
  host.append(node);
  setTimeout(() => node.remove(), Math.max(4000, text.length * 90));
}

/** Run an action; a refusal is told calmly and never breaks the page. Returns undefined then. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message ? `${t("failed")}: ${error.message}` : t("unreachable"));
    return undefined;
  }
}
