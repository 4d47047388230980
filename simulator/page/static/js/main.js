// The page as a whole: which phones there are, in which language, and what the carriers report.
import { call, follow } from "./api.js";
import { attempt } from "./ask.js";
import { Beside } from "./beside.js";
import { h, icon } from "./dom.js";
import { FaultsPanel } from "./faults.js";
import { FeaturePhone } from "./feature.js";
import { chooseLanguage, currentLanguage, loadLanguages, t, translatePage } from "./i18n.js";
import { TelegramPhone } from "./telegram.js";

const row = document.getElementById("phones");
const tabs = document.getElementById("tabs");
const panels = document.getElementById("panels");
const offline = document.getElementById("offline");

const world = { bot: {}, sms: {}, faults: {}, phones: new Map() };
const views = new Map();
let panel = null;
let beside = null;
let welcomed = false;

// Phones on the page

function show(phone) {
  world.phones.set(phone.id, phone);
  const view = views.get(phone.id);
  const last = view && newestId(view.phone);
  if (view) view.update(phone);
  else place(phone);
  drawTabs();
  if (view && newestId(phone) !== last) markNews(phone);
}

function place(phone, draft = "") {
  const View = phone.kind === "telegram" ? TelegramPhone : FeaturePhone;
  const view = new View(phone, world);
  view.draft = draft;
  views.set(phone.id, view);
  row.querySelector(".welcome")?.remove();
  row.append(view.element);
  visible.observe(view.element);
}

function drop(id) {
  const view = views.get(id);
  if (!view) return;
  const hadFocus = view.element.contains(document.activeElement);
  view.element.remove();
  views.delete(id);
  world.phones.delete(id);
  drawTabs();
  if (views.size === 0) row.append(emptyRow());
  if (hadFocus) row.focus();
}

const emptyRow = () =>
  h("div", { class: "welcome" }, h("h2", {}, t("no_phones")), h("p", {}, t("no_phones_hint")));

async function addPhone(kind) {
  const phone = await attempt(() => call("POST", "phones", { kind }));
  if (!phone) return;
  show(phone);
  const { element } = views.get(phone.id);
  element.scrollIntoView({ block: "nearest", inline: "center" });
  element.querySelector(".gate .primary, textarea").focus({ preventScroll: true });
}

// Tabs, on narrow screens where one phone fills the width

const inView = new Set(); // the one that came last is the one looked at

const visible = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      inView.delete(target);
      if (isIntersecting) inView.add(target);
    }
    markCurrent([...inView].at(-1));
  },
  { root: row, threshold: 0.6 },
);

/** While one phone slides out and the next one in, neither is in view: the mark stays. */
function markCurrent(element) {
  if (!element) return;
  for (const tab of tabs.children) tab.removeAttribute("aria-current");
  tabOf(element)?.setAttribute("aria-current", "true");
  for (const seen of inView) delete tabOf(seen)?.dataset.news;
}

const tabOf = (element) => [...tabs.children].find((tab) => tab.dataset.phone === element.id);

const newestId = ({ messages }) => messages.at(-1)?.message_id ?? messages.at(-1)?.sid;

/** A dot on the tab of a phone that is out of sight; it goes once the phone is looked at. */
function markNews(phone) {
  const { element } = views.get(phone.id);
  if (!inView.has(element)) tabOf(element).dataset.news = "true";
}

function drawTabs() {
  const wanted = [...world.phones.values()];
  const print = JSON.stringify(wanted.map(({ id, name, kind }) => [id, name, kind]));
  if (tabs.dataset.print === print) return;
  tabs.dataset.print = print;
  const current = tabs.querySelector("[aria-current]")?.dataset.phone ?? `phone-${wanted[0]?.id}`;
  tabs.replaceChildren(
    ...wanted.map(({ id, name, kind }) =>
      h(
        "button",
        {
          type: "button",
          "data-phone": `phone-${id}`,
          "aria-current": current === `phone-${id}` && "true",
          on: {
            click: () =>
              views.get(id).element.scrollIntoView({ inline: "center", block: "nearest" }),
          },
        },
        icon(kind === "telegram" ? "send" : "keyboard"),
        h("span", {}, name),
      ),
    ),
  );
}

// Language

function redraw() {
  const drafts = new Map([...views].map(([id, view]) => [id, view.draft]));
  row.replaceChildren();
  visible.disconnect();
  inView.clear();
  views.clear();
  for (const phone of world.phones.values()) place(phone, drafts.get(phone.id));
  if (world.phones.size === 0) row.append(emptyRow());
  const wasOpen = panel?.element.open ?? false;
  panel = new FaultsPanel(world.faults);
  panel.element.open = wasOpen;
  panels.replaceChildren(...(beside ? [beside.element] : []), panel.element);
  beside?.look();
  offline.textContent = t("offline");
}

// What the carriers report

/** The first visit to a fresh simulator finds one phone of each kind; two tabs make them once. */
async function welcome() {
  welcomed = true;
  const fill = async () => {
    const { phones } = await call("GET", "state");
    if (phones.length) return;
    await call("POST", "phones", { kind: "telegram" });
    await call("POST", "phones", { kind: "sms" });
  };
  await attempt(() =>
    navigator.locks ? navigator.locks.request("tralob-first-phones", fill) : fill(),
  );
}

async function onState(state) {
  if (!welcomed && state.phones.length === 0) {
    await welcome();
    return onState(await call("GET", "state"));
  }
  welcomed = true;
  Object.assign(world, { bot: state.bot, sms: state.sms, faults: state.faults });
  offline.hidden = true;
  const present = new Set(state.phones.map(({ id }) => id));
  for (const id of [...world.phones.keys()]) if (!present.has(id)) drop(id);
  if (panel) {
    state.phones.forEach(show);
    panel.update(state.faults);
    views.forEach((view) => view.updateBot());
    return undefined;
  }
  for (const phone of state.phones) world.phones.set(phone.id, phone);
  if (state.beside) beside = new Beside(state.beside);
  redraw();
  drawTabs();
  return undefined;
}

const HANDLERS = {
  phone: ({ phone }) => show(phone),
  phone_removed: ({ id }) => drop(id),
  callback_answer: (event) => views.get(event.phone)?.showAnswer(event),
  bot: ({ bot }) => {
    world.bot = bot;
    views.forEach((view) => view.updateBot());
  },
  faults: ({ faults }) => {
    world.faults = faults;
    panel.update(faults);
  },
};

await loadLanguages();
translatePage();
offline.textContent = t("offline");
document.getElementById("add-telegram").addEventListener("click", () => addPhone("telegram"));
document.getElementById("add-sms").addEventListener("click", () => addPhone("sms"));
for (const choice of document.querySelectorAll("[data-language]")) {
  choice.addEventListener("click", () => {
    if (choice.dataset.language === currentLanguage()) return;
    chooseLanguage(choice.dataset.language);
    translatePage();
    if (panel) redraw();
  });
}
follow({
  onState,
  onEvent: (event) => HANDLERS[event.type]?.(event),
  onLost: () => {
    offline.hidden = false;
  },
});
