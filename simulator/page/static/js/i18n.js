// Two languages, Khmer first. The dictionaries are plain JSON so that a translator can edit them.
const LANGUAGES = ["km", "en"];
const KEPT_AS = "tralob-phones-language";

const dictionaries = {};
let language = LANGUAGES.includes(localStorage.getItem(KEPT_AS))
  ? localStorage.getItem(KEPT_AS)
  : LANGUAGES[0];

export const currentLanguage = () => language;

export async function loadLanguages() {
  await Promise.all(
    LANGUAGES.map(async (code) => {
      const response = await fetch(new URL(`../i18n/${code}.json`, import.meta.url));
      dictionaries[code] = await response.json();
    }),
  );
}

export function chooseLanguage(code) {
  language = code;
  localStorage.setItem(KEPT_AS, code);
}

/** Look up "a.b" and fill in {names}; undefined when the dictionary has no such key. */
export function find(key, values = {}) {
  const found = key.split(".").reduce((branch, part) => branch?.[part], dictionaries[language]);
  if (typeof found !== "string") return found;
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const t = (key, values) => find(key, values) ?? key;

export const count = (key, n) => (n === 1 && find(`${key}_one`)) || t(key, { n });

export const status = (code) => find(`status.${code}`) ?? code;

export function price(amount, currency) {
  const value = amount.toFixed(2);
  return currency === "USD" ? t("price_usd", { price: value }) : `${value} ${currency}`;
}

export function clock(seconds) {
  const date = new Date(seconds * 1000);
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function translatePage() {
  document.documentElement.lang = language;
  document.title = `${t("title")} · Tralob`;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
  }
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === language));
  }
}
