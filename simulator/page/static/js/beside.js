// What whoever is served wants to be read beside the phones: whom one can be there, and how. It is
// looked up again and again, since codes grow old; where nothing answers, nothing is shown.
//
// The answer: {title, note, rows: [{label, value}], link: {label, address}}, all but title optional.
import { h } from "./dom.js";
import { currentLanguage } from "./i18n.js";

const EVERY_MS = 5000;

export class Beside {
  constructor(path) {
    this.path = path;
    this.title = h("span", {});
    this.body = h("div", { class: "beside-body" });
    this.element = h(
      "details",
      { class: "trouble beside", open: true, hidden: true },
      h("summary", {}, this.title),
      this.body,
    );
    this.look();
    setInterval(() => document.hidden || this.look(), EVERY_MS);
  }

  async look() {
    const address = new URL(this.path, document.baseURI);
    address.searchParams.set("language", currentLanguage());
    const found = await fetch(address)
      .then((response) => (response.ok ? response.json() : null))
      .catch(() => null);
    this.element.hidden = !found?.title;
    if (found?.title) this.show(found);
  }

  show({ title, note, rows = [], link }) {
    const print = JSON.stringify([title, note, rows, link]);
    if (this.print === print) return;
    this.print = print;
    this.title.textContent = title;
    this.body.replaceChildren(
      h("p", {}, note ?? ""),
      h(
        "dl",
        {},
        rows.map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", {}, value))),
      ),
      ...(isLocal(link?.address)
        ? [h("a", { class: "button", href: link.address, target: "_blank" }, link.label)]
        : []),
    );
  }
}

const isLocal = (address) => typeof address === "string" && /^\/[^/\\]/.test(address);
