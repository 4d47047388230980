// The foot of the chat: writing, attaching, commands, reply buttons, and the gates before it.
import { act } from "./api.js";
import { askFile, askForm, attempt, confirm } from "./ask.js";
import { button, h, icon, iconButton } from "./dom.js";
import { find, t } from "./i18n.js";
import { spaced } from "./shell.js";
import { summary } from "./telegram-message.js";

const ACCEPT = { photo: "image/*", voice: "audio/*", document: "" };

export async function startFromLink(phone) {
  const fields = [
    {
      name: "payload",
      label: t("payload"),
      hint: t("payload_hint"),
      required: true,
      pattern: "[A-Za-z0-9_\\-]{1,64}",
    },
  ];
  const values = await askForm(t("start_link"), fields, t("start"));
  if (values) await attempt(() => act(phone, "start", values));
}

async function shareOwn(phone) {
  if (await confirm(t("share_contact_ask", { number: spaced(phone.number) }), t("send"))) {
    await attempt(() => act(phone, "contact", { own: true }));
  }
}

async function shareOther(phone) {
  const fields = [
    { name: "first_name", label: t("name"), required: true, maxlength: 64 },
    { name: "phone_number", label: t("number"), type: "tel", required: true, maxlength: 32 },
  ];
  const values = await askForm(t("share_other"), fields, t("send"));
  if (values) await attempt(() => act(phone, "contact", values));
}

async function shareLocation(phone) {
  const options = Object.entries(find("places"));
  const values = await askForm(
    t("location"),
    [{ name: "place", label: t("place"), options }],
    t("send"),
  );
  if (!values) return;
  const [latitude, longitude] = values.place.split(",").map(Number);
  await attempt(() => act(phone, "location", { latitude, longitude }));
}

async function sendFile(phone, kind) {
  const answer = await askFile(t(kind), ACCEPT[kind]);
  if (!answer) return;
  let body = {};
  if (answer !== "sample") {
    body = new FormData();
    body.append("file", answer);
  }
  await attempt(() => act(phone, kind, body));
}

const ATTACHMENTS = [
  ["contact", "share_contact", shareOwn],
  ["contact", "share_other", shareOther],
  ["location", "location", shareLocation],
  ["photo", "photo", (phone) => sendFile(phone, "photo")],
  ["voice", "voice", (phone) => sendFile(phone, "voice")],
  ["document", "document", (phone) => sendFile(phone, "document")],
];

export class Composer {
  constructor(phone, commands) {
    this.phone = phone;
    this.commands = commands;
    this.about = null;
    this.box = h("textarea", {
      rows: "1",
      placeholder: t("write"),
      "aria-label": t("write_for", { name: phone().name }),
      on: { keydown: (event) => this.onKey(event), input: () => this.onInput() },
    });
    this.note = h("div", { class: "composer-note", hidden: true });
    this.sheet = h("div", { class: "sheet", hidden: true });
    this.keys = h("div", {
      class: "reply-keyboard",
      role: "group",
      "aria-label": t("reply_keyboard"),
      hidden: true,
    });
    this.keysButton = iconButton("keyboard", t("reply_keyboard"), () => this.toggleKeys());
    this.menuButton = h(
      "button",
      {
        type: "button",
        class: "menu-button",
        "aria-expanded": "false",
        on: { click: () => this.toggleSheet("commands", this.menuButton) },
      },
      t("menu"),
    );
    this.attachButton = iconButton(
      "attach",
      t("attach"),
      () => this.toggleSheet("attach", this.attachButton),
      { "aria-expanded": "false" },
    );
    this.form = h(
      "form",
      { class: "composer", on: { submit: (event) => this.onSubmit(event) } },
      this.menuButton,
      this.attachButton,
      this.box,
      this.keysButton,
      h(
        "button",
        { class: "icon-button send", "aria-label": t("send"), title: t("send") },
        icon("send"),
      ),
    );
    this.gate = h("div", { class: "gate" });
    this.element = h(
      "div",
      {
        class: "foot-area",
        on: { keydown: (event) => event.key === "Escape" && this.escape() },
      },
      this.sheet,
      this.note,
      this.form,
      this.keys,
      this.gate,
    );
  }

  update(phone) {
    const gate = phone.blocked ? "blocked" : phone.started || phone.messages.length ? "" : "start";
    if (this.gateShown !== gate) this.showGate(gate);
    this.menuButton.hidden = this.commands().length === 0;
    const print = JSON.stringify(phone.reply_keyboard);
    if (this.keysShown !== print) this.showKeys(phone.reply_keyboard, print);
    const id = this.about?.message.message_id;
    if (id && !phone.messages.some((message) => message.message_id === id)) this.setAbout(null);
  }

  showGate(gate) {
    const hadFocus = this.element.contains(document.activeElement);
    this.gateShown = gate;
    this.form.hidden = Boolean(gate);
    this.keys.hidden ||= Boolean(gate);
    this.gate.hidden = !gate;
    const primary = { class: "button primary wide" };
    const buttons = {
      start: () => [
        button(t("start"), () => attempt(() => act(this.phone(), "start")), primary),
        button(t("start_link"), () => startFromLink(this.phone()), { class: "quiet" }),
      ],
      blocked: () => [
        button(t("unblock"), () => attempt(() => act(this.phone(), "unblock")), primary),
      ],
    };
    this.gate.replaceChildren(...(buttons[gate]?.() ?? []));
    if (hadFocus) (gate ? this.gate.firstElementChild : this.box).focus();
  }

  showKeys(keyboard, print) {
    this.keysShown = print;
    this.keysButton.hidden = !keyboard;
    this.keys.hidden = !keyboard || Boolean(this.gateShown);
    this.keys.replaceChildren(
      ...(keyboard ?? []).map((row) =>
        h(
          "div",
          { class: "key-row" },
          row.map((key) => button(key.text, () => this.pressKey(key), { class: "key" })),
        ),
      ),
    );
  }

  toggleKeys() {
    this.keys.hidden = !this.keys.hidden;
  }

  pressKey(key) {
    if (key.request_contact) shareOwn(this.phone());
    else if (key.request_location) shareLocation(this.phone());
    else this.sendText(key.text);
  }

  // The sheet above the line: attachments, or commands

  toggleSheet(kind, opener) {
    if (this.sheetKind === kind) this.closeSheet();
    else this.openSheet(kind, opener);
  }

  openSheet(kind, opener, prefix = "") {
    this.closeSheet();
    this.sheetKind = kind;
    this.opener = opener;
    opener?.setAttribute("aria-expanded", "true");
    this.sheet.replaceChildren(
      ...(kind === "attach" ? this.attachments() : this.commandKeys(prefix)),
    );
    this.sheet.className = `sheet sheet-${kind}`;
    this.sheet.hidden = this.sheet.childElementCount === 0;
    if (opener) this.sheet.firstElementChild?.focus();
  }

  closeSheet() {
    this.sheetKind = null;
    this.sheet.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
  }

  attachments() {
    return ATTACHMENTS.map(([name, label, send]) =>
      h(
        "button",
        {
          type: "button",
          on: {
            click: () => {
              this.leaveSheet();
              send(this.phone());
            },
          },
        },
        icon(name),
        h("span", {}, t(label)),
      ),
    );
  }

  commandKeys(prefix) {
    const wanted = this.commands().filter(({ command }) => `/${command}`.startsWith(prefix));
    return wanted.map(({ command, description }) =>
      h(
        "button",
        {
          type: "button",
          on: {
            click: () => {
              this.leaveSheet();
              this.sendText(`/${command}`);
            },
          },
        },
        h("span", { class: "command" }, `/${command}`),
        h("span", {}, description),
      ),
    );
  }

  leaveSheet() {
    this.closeSheet();
    this.box.focus();
  }

  escape() {
    if (this.sheetKind) this.leaveSheet();
    else if (this.about) this.setAbout(null);
  }

  // Writing

  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  onInput() {
    const { value } = this.box;
    if (/^\/\w*$/.test(value)) this.openSheet("commands", null, value);
    else if (this.sheetKind === "commands") this.closeSheet();
  }

  async onSubmit(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    if (!text) return;
    const about = this.about;
    this.box.value = "";
    this.setAbout(null);
    this.closeSheet();
    const id = about?.message.message_id;
    const sent = await attempt(() =>
      about?.kind === "edit"
        ? act(this.phone(), "edit", { message_id: id, text })
        : act(this.phone(), "text", about ? { text, reply_to: id } : { text }),
    );
    if (sent === undefined && !this.box.value) this.box.value = text;
  }

  sendText(text) {
    attempt(() => act(this.phone(), "text", { text }));
  }

  /** Say that the next text edits, or answers, a message. */
  setAbout(about) {
    if (this.about?.kind === "edit" && !about) this.box.value = "";
    this.about = about;
    this.note.hidden = !about;
    if (!about) return;
    const label = t(about.kind === "edit" ? "editing" : "replying");
    this.note.replaceChildren(
      icon(about.kind),
      h("p", {}, h("strong", {}, label), h("span", {}, summary(about.message))),
      iconButton("close", t("cancel"), () => {
        this.setAbout(null);
        this.box.focus();
      }),
    );
    if (about.kind === "edit") this.box.value = about.message.text;
    this.box.focus();
  }
}
