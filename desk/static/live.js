// The line over which a page hears what happens. A browser has six of them for all its tabs of the
// desk, and a seventh tab would wait for ever: a page that nobody sees lets go of its own, and
// calls again when it is seen. What came meanwhile is told then.
const HIDDEN_FOR_MS = 5000;
const SIGNED_OUT = "signed-out";
let back = "";

// The moment by the server's clock: how long the page has been there, after it was made.
function sayBack(address) {
  const made = Date.parse(new URL(address, location.href).searchParams.get("since"));
  const moment = new Date(made + (Date.now() - performance.timeOrigin)).toISOString();
  back = `&back=${moment}`;
}

// Of several forms only one could be sent: their words stay here, and nothing else of the page.
function leaveWords(begun) {
  const bare = document.querySelector("#signed-out").content.cloneNode(true);
  for (const { id, labels, value } of begun) {
    const field = document.createElement("p");
    field.className = "field";
    const label = document.createElement("label");
    label.htmlFor = id;
    label.textContent = labels[0].textContent;
    const words = document.createElement("textarea");
    Object.assign(words, { id, value, readOnly: true });
    field.append(label, words);
    bare.querySelector("main").append(field);
  }
  document.title = bare.querySelector("h1").textContent;
  document.body.replaceChildren(bare);
}

// Words that were begun come back with the answer to their form, which nobody takes any more.
function leave() {
  const begun = [...document.querySelectorAll("main textarea")].filter(
    (words) => words.value.trim() && words.value !== words.defaultValue,
  );
  if (begun.length === 0) {
    location.replace(location.pathname + location.search);
  } else if (begun.length === 1) {
    begun[0].form.submit();
  } else {
    leaveWords(begun);
  }
}

// As htmx knows an EventSource.
class Line {
  #address;
  #source = null;
  #listeners = [[SIGNED_OUT, leave]];
  #timer = null;

  constructor(address) {
    this.#address = address;
    document.addEventListener("visibilitychange", this.#look);
    if (!document.hidden) {
      this.#call();
    }
  }

  get readyState() {
    return this.#source?.readyState ?? EventSource.CONNECTING;
  }

  addEventListener(name, listener) {
    this.#listeners.push([name, listener]);
    this.#source?.addEventListener(name, listener);
  }

  removeEventListener(name, listener) {
    this.#listeners = this.#listeners.filter(([one, other]) => one !== name || other !== listener);
    this.#source?.removeEventListener(name, listener);
  }

  close() {
    document.removeEventListener("visibilitychange", this.#look);
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #look = () => {
    clearTimeout(this.#timer);
    if (document.hidden) {
      this.#timer = setTimeout(() => this.#letGo(), HIDDEN_FOR_MS);
    } else if (this.#source === null) {
      sayBack(this.#address);
      this.#call();
    }
  };

  #letGo() {
    this.#source?.close();
    this.#source = null;
  }

  #call() {
    const source = new EventSource(this.#address + back);
    source.onopen = (event) => this.onopen?.(event);
    source.onerror = (event) => {
      // htmx makes another line then.
      if (source.readyState === EventSource.CLOSED) {
        this.close();
      }
      this.onerror?.(event);
    };
    for (const [name, listener] of this.#listeners) {
      source.addEventListener(name, listener);
    }
    this.#source = source;
  }
}

htmx.createEventSource = (address) => new Line(address);
