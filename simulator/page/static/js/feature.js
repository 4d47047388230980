// A keypad phone with SMS: what a person reads, and beside it what each message costs.
import { act, call } from "./api.js";
import { attempt } from "./ask.js";
import { h, icon, iconButton, reconcile } from "./dom.js";
import { clock, count, price, status, t } from "./i18n.js";
import { announce, phoneShell, stayAtEnd } from "./shell.js";
import { asBoxes } from "./text.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const FAILED = ["failed", "undelivered"];

export class FeaturePhone {
  constructor(phone, world) {
    this.phone = phone;
    this.world = world;
    const now = () => this.phone;
    this.list = h("ol", { class: "sms-list" });
    this.empty = h("p", { class: "sms-empty" }, t("sms_empty"));
    this.log = h(
      "div",
      { class: "sms-log", role: "log", "aria-live": "off", tabindex: "0" },
      this.empty,
      this.list,
    );
    this.stopped = h("span", { class: "sms-stopped" }, t("stopped"));
    this.box = h("textarea", {
      rows: "2",
      placeholder: t("sms_hint"),
      "aria-label": t("write_for", { name: phone.name }),
      on: { keydown: (event) => this.onKey(event) },
    });
    this.form = h(
      "form",
      { class: "sms-form", on: { submit: (event) => this.onSubmit(event) } },
      this.box,
    );
    this.boxes = h("input", { type: "checkbox", on: { change: () => this.onBoxes() } });
    this.total = h("dd", {});
    this.shell = phoneShell(now, h("div", {}, this.device(), this.ledger()));
    this.element = this.shell.section;
    this.end = stayAtEnd(this.log);
    this.update(phone, false);
  }

  device() {
    const screen = h(
      "div",
      { class: "screen" },
      h(
        "div",
        { class: "screen-head" },
        icon("signal"),
        h("strong", {}, this.world.sms.sender),
        this.stopped,
      ),
      this.log,
      this.form,
    );
    const soft = h(
      "div",
      { class: "soft-keys" },
      h(
        "button",
        { type: "button", class: "key-send", on: { click: () => this.form.requestSubmit() } },
        t("send"),
      ),
      h(
        "div",
        { class: "rocker" },
        iconButton("up", t("scroll_up"), () => this.scroll(-1)),
        iconButton("down", t("scroll_down"), () => this.scroll(1)),
      ),
      iconButton("backspace", t("backspace"), () => this.erase(), {
        class: "icon-button key-erase",
      }),
    );
    const keypad = h(
      "div",
      { class: "keypad", role: "group", "aria-label": t("keypad") },
      KEYS.map((key) =>
        h(
          "button",
          { type: "button", "aria-label": t("key", { key }), on: { click: () => this.type(key) } },
          key,
        ),
      ),
    );
    return h(
      "div",
      { class: "feature" },
      h("span", { class: "earpiece", "aria-hidden": "true" }),
      screen,
      soft,
      keypad,
    );
  }

  ledger() {
    return h(
      "div",
      { class: "ledger" },
      h("dl", {}, h("dt", {}, t("total")), this.total),
      h("label", { class: "check" }, this.boxes, h("span", {}, t("no_khmer"))),
    );
  }

  get draft() {
    return this.box.value;
  }

  set draft(text) {
    this.box.value = text;
  }

  update(phone, isNews = true) {
    this.phone = phone;
    this.shell.update();
    this.log.setAttribute("aria-label", t("messages_of", { name: phone.name }));
    this.boxes.checked = !phone.shows_khmer;
    this.stopped.hidden = !phone.stopped;
    this.empty.hidden = phone.messages.length > 0;
    this.showTotal(phone.messages.filter(({ from }) => from === "centre"));
    this.showMessages(phone, isNews);
  }

  updateBot() {}

  showTotal(sent) {
    const parts = sent.reduce((sum, message) => sum + message.parts, 0);
    const cost = sent.reduce((sum, message) => sum + (message.price ?? 0), 0);
    this.total.textContent = t("total_value", {
      messages: sent.length,
      parts,
      price: price(cost, this.world.sms.currency),
    });
  }

  showMessages({ messages, shows_khmer: showsKhmer, name }, isNews) {
    const known = new Set([...this.list.children].map((node) => node.dataset.key));
    // Whether letters or boxes are shown is part of what a message looks like.
    const items = messages.map((message) => ({ ...message, showsKhmer }));
    const { fresh, lostFocus } = reconcile(
      this.list,
      items,
      ({ sid }) => sid,
      (message) => this.renderMessage(message),
    );
    if (lostFocus) this.box.focus({ preventScroll: true });
    if (fresh.some(([{ from, sid }]) => from === "person" && !known.has(sid))) this.end.goToEnd();
    this.end.settle();
    if (!isNews) return;
    for (const [{ from, sid, body }] of fresh) {
      if (from === "centre" && !known.has(sid)) announce(`${name}: ${body}`);
    }
  }

  renderMessage({ from, body, parts, encoding, price: cost, status: code, date, showsKhmer }) {
    const facts = [count("parts", parts), encoding];
    if (from === "centre") facts.push(price(cost ?? 0, this.world.sms.currency));
    return h(
      "li",
      { class: `sms ${from}` },
      h("p", { class: "sms-body" }, showsKhmer ? body : asBoxes(body)),
      h(
        "p",
        { class: "sms-facts" },
        h("span", {}, facts.join(" · ")),
        h(
          "span",
          { class: FAILED.includes(code) ? "is-failed" : "" },
          `${status(code)} · ${clock(date)}`,
        ),
      ),
    );
  }

  // Keys

  type(key) {
    this.box.setRangeText(key, this.box.selectionStart, this.box.selectionEnd, "end");
  }

  erase() {
    const { selectionStart: start, selectionEnd: end } = this.box;
    // A whole letter with all its signs, as every phone does.
    const before = [...new Intl.Segmenter("km").segment(this.box.value.slice(0, start))].at(-1);
    const from = start === end ? (before?.index ?? 0) : start;
    this.box.setRangeText("", from, end, "end");
  }

  scroll(direction) {
    this.log.scrollBy({ top: direction * this.log.clientHeight * 0.7 });
  }

  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  async onSubmit(event) {
    event.preventDefault();
    const body = this.box.value.trim();
    if (!body) return;
    this.box.value = "";
    const sent = await attempt(() => act(this.phone, "sms", { body }));
    if (sent === undefined && !this.box.value) this.box.value = body;
  }

  async onBoxes() {
    await attempt(() =>
      call("PATCH", `phones/${this.phone.id}`, { shows_khmer: !this.boxes.checked }),
    );
    this.boxes.checked = !this.phone.shows_khmer;
  }
}
