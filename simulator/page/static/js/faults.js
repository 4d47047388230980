// The panel that makes the carriers misbehave, built from whatever faults the carriers know.
import { call } from "./api.js";
import { attempt } from "./ask.js";
import { button, h } from "./dom.js";
import { t } from "./i18n.js";

export class FaultsPanel {
  constructor(faults) {
    this.inputs = new Map();
    this.saving = 0;
    this.badge = h("span", { class: "badge" }, t("trouble_on"));
    const groups = Object.entries(faults).map(([carrier, values]) =>
      h(
        "fieldset",
        {},
        h("legend", {}, t(`carrier_${carrier}`)),
        Object.entries(values)
          .sort(([, a], [, b]) => (typeof a === "boolean") - (typeof b === "boolean"))
          .map(([name, value]) => this.field(carrier, name, value)),
      ),
    );
    this.element = h(
      "details",
      { class: "trouble" },
      h("summary", {}, h("span", {}, t("trouble")), this.badge),
      h("p", {}, t("trouble_hint")),
      h("div", { class: "trouble-groups" }, groups),
      button(t("trouble_clear"), () => this.clear()),
    );
    this.update(faults);
  }

  field(carrier, name, value) {
    const isSwitch = typeof value === "boolean";
    const input = h("input", {
      ...(isSwitch
        ? { type: "checkbox" }
        : { type: "number", min: "0", step: "1", inputmode: "numeric" }),
      on: { change: () => this.save() },
    });
    this.inputs.set(`${carrier}.${name}`, input);
    const label = h("span", {}, t(`faults.${name}`));
    return h(
      "label",
      { class: isSwitch ? "check" : "field row" },
      isSwitch ? [input, label] : [label, input],
    );
  }

  // What is being saved is newer than what the carriers tell meanwhile.
  update(faults) {
    this.faults = faults;
    if (this.saving > 0) return;
    let on = false;
    for (const [key, input] of this.inputs) {
      const [carrier, name] = key.split(".");
      const value = faults[carrier][name];
      on ||= Boolean(value);
      if (typeof value === "boolean") input.checked = value;
      else if (input !== document.activeElement) input.value = String(value);
    }
    this.badge.hidden = !on;
  }

  async save(
    read = (input) =>
      input.type === "checkbox" ? input.checked : Math.max(0, input.valueAsNumber || 0),
  ) {
    const wanted = {};
    for (const [key, input] of this.inputs) {
      const [carrier, name] = key.split(".");
      (wanted[carrier] ??= {})[name] = read(input);
    }
    this.saving += 1;
    const kept = await attempt(() => call("PUT", "faults", wanted));
    this.saving -= 1;
    this.update(kept || this.faults);
  }

  clear() {
    this.save((input) => (input.type === "checkbox" ? false : 0));
  }
}
