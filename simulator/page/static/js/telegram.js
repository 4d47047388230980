// A phone with Telegram: one chat, with the bot.
import { act } from "./api.js";
import { attempt, notice, toast } from "./ask.js";
import { h, reconcile } from "./dom.js";
import { t } from "./i18n.js";
import { actionsMenu, announce, phoneShell, stayAtEnd } from "./shell.js";
import { Composer, startFromLink } from "./telegram-composer.js";
import { renderMessage, summary } from "./telegram-message.js";

const PATIENCE = 15000;

export class TelegramPhone {
  constructor(phone, world) {
    this.phone = phone;
    this.world = world;
    this.waiting = new Set();
    const now = () => this.phone;
    this.composer = new Composer(now, () => world.bot.commands ?? []);
    this.list = h("ol", { class: "chat-list" });
    this.log = h(
      "div",
      { class: "chat", role: "log", "aria-live": "off", tabindex: "0" },
      this.list,
    );
    this.empty = h("p", { class: "chat-empty" }, t("start_hint"));
    this.log.prepend(this.empty);
    this.botName = h("strong", { class: "bot-name" });
    this.mood = h("span", { class: "mood" });
    this.avatar = h("span", { class: "avatar", "aria-hidden": "true" });
    this.toasts = h("div", { class: "toasts", role: "status" });
    const device = h(
      "div",
      { class: "telegram" },
      h(
        "div",
        { class: "chat-head" },
        this.avatar,
        h("div", { class: "chat-title" }, this.botName, this.mood),
        actionsMenu(t("chat_menu"), () => this.chatActions()),
      ),
      this.log,
      this.composer.element,
      this.toasts,
    );
    this.shell = phoneShell(now, device);
    this.element = this.shell.section;
    this.end = stayAtEnd(this.log);
    this.update(phone, false);
  }

  get draft() {
    return this.composer.box.value;
  }

  set draft(text) {
    this.composer.box.value = text;
  }

  chatActions() {
    const block = this.phone.blocked ? "unblock" : "block";
    return [
      ["link", t("start_link"), () => startFromLink(this.phone)],
      ["block", t(block), () => attempt(() => act(this.phone, block))],
    ];
  }

  update(phone, isNews = true) {
    this.phone = phone;
    this.shell.update();
    this.updateBot();
    this.log.setAttribute("aria-label", t("messages_of", { name: phone.name }));
    this.empty.hidden = phone.messages.length > 0;
    this.composer.update(phone);
    this.showMessages(phone.messages, isNews);
  }

  updateBot() {
    const { first_name: name = "", commands = [] } = this.world.bot;
    this.botName.textContent = name;
    this.avatar.textContent = [...new Intl.Segmenter("km").segment(name)][0]?.segment ?? "";
    const mood = this.phone.blocked ? "blocked" : this.phone.typing ? "typing" : "bot";
    this.mood.textContent = t(mood);
    this.mood.classList.toggle("is-typing", mood === "typing");
    this.composer.menuButton.hidden = commands.length === 0;
  }

  showMessages(messages, isNews) {
    const actions = {
      command: (text) => this.composer.sendText(text),
      press: (message, key, node) => this.press(message, key, node),
      edit: (message) => this.composer.setAbout({ kind: "edit", message }),
      reply: (message) => this.composer.setAbout({ kind: "reply", message }),
      remove: (message) =>
        attempt(() => act(this.phone, "delete", { message_id: message.message_id })),
    };
    const { fresh, lostFocus, replacement } = reconcile(
      this.list,
      messages,
      (message) => message.message_id,
      (message) => renderMessage(message, messages, actions),
    );
    if (lostFocus) this.takeFocusBack(replacement);
    if (fresh.some(([message]) => message.from === "person" && message === messages.at(-1)))
      this.end.goToEnd();
    this.end.settle();
    if (!isNews) return;
    for (const [message] of fresh) {
      if (message.from === "bot") announce(`${this.phone.name}: ${summary(message)}`);
    }
  }

  /** A pressed button is gone because its message changed: go on at the new buttons. */
  takeFocusBack(replacement) {
    const next =
      replacement?.querySelector(".key") ?? [...this.list.querySelectorAll(".key")].at(-1);
    const place = next ?? (this.composer.form.hidden ? this.log : this.composer.box);
    place.focus({ preventScroll: true });
  }

  async press(message, key, node) {
    node.setAttribute("aria-busy", "true");
    this.waiting.add(node);
    const done = await attempt(() =>
      act(this.phone, "press", { message_id: message.message_id, data: key.callback_data }),
    );
    if (done === undefined) this.settlePress();
    else setTimeout(() => this.settlePress(), PATIENCE);
  }

  settlePress() {
    for (const node of this.waiting) node.removeAttribute("aria-busy");
    this.waiting.clear();
  }

  showAnswer({ text, alert }) {
    this.settlePress();
    if (!text) return;
    if (alert) notice(this.world.bot.first_name ?? t("bot"), text);
    else toast(text, this.toasts);
  }
}
