// Words that staff write on the page of a request are not lost when the line is: they stay in this
// window until they were sent, and go out once, however often somebody presses.
const SESSION_OVER = [401, 409];
const forms = [...document.querySelectorAll("form[data-keeps]")];

const field = (form, name) => form.querySelector(`[name='${name}']`);
const told = (form) => document.getElementById(form.dataset.told);

// A form brings back what its page had shown: kept with its words, it is known when it comes again.
function keep(form) {
  const words = field(form, "value").value;
  if (words.trim() === "") {
    forget(form);
    return;
  }
  const kept = { words, seen: field(form, "seen").value, read: field(form, "read").value };
  sessionStorage.setItem(form.dataset.keeps, JSON.stringify(kept));
}

function forget(form) {
  sessionStorage.removeItem(form.dataset.keeps);
}

function restore(form) {
  const kept = JSON.parse(sessionStorage.getItem(form.dataset.keeps) ?? "null");
  if (kept === null) {
    return;
  }
  const words = field(form, "value");
  words.value = kept.words;
  field(form, "seen").value = kept.seen;
  field(form, "read").value = kept.read;
  words.dispatchEvent(new Event("input", { bubbles: true }));
}

// A whole page says best why it was refused; when the session is over it holds the words, too.
// It goes where it went before: a form has other buttons than the one that sends.
function sendAsPage(form, path) {
  forget(form);
  form.action = path;
  form.submit();
}

function watch(form) {
  form.addEventListener("input", () => keep(form));
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== form) {
      return; // a draft, which is kept by its own field
    }
    // Of an answer that leads elsewhere htmx says neither that it is good nor that it is not.
    const { status } = event.detail.xhr;
    const isLineDown = status === 0 || status >= 500;
    told(form).hidden = !isLineDown;
    if (status >= 400 && status < 500) {
      sendAsPage(form, event.detail.requestConfig.path);
    } else if (!isLineDown) {
      forget(form);
    }
  });
  restore(form);
}

// Drafts are kept by the server as well, on every pause.
function watchDraft(words) {
  const size = document.querySelector("#reply-size");
  const unkept = document.querySelector("#reply-unkept");
  const say = (isKept) => {
    unkept.hidden = isKept;
    size.hidden = !isKept;
  };
  // The answer says itself what to do, and the words stay where they are.
  size.addEventListener("htmx:beforeSwap", (event) => {
    if (SESSION_OVER.includes(event.detail.xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    words.addEventListener(failure, () => {
      say(false);
      keep(words.form);
    });
  }
  words.addEventListener("htmx:afterRequest", (event) => {
    // One that the next letters took the place of is no failure.
    if (event.detail.successful) {
      say(true);
      if (event.detail.requestConfig.parameters.value === words.value) {
        forget(words.form);
      } // else it told of fewer letters than there are now
    }
  });
}

const reply = document.querySelector("#reply-text");
if (reply) {
  watchDraft(reply);
}
forms.forEach(watch);

// Of a request that is taken out of the page nothing stays behind.
new MutationObserver(() => {
  forms.filter((form) => !form.isConnected).forEach(forget);
}).observe(document.querySelector("main"), { childList: true });
