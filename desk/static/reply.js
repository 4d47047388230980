// Says when what was typed could not be kept; as soon as the line is back it is kept after all.
const words = document.querySelector("#reply-text");
const SESSION_OVER = [401, 409];

function say(isKept) {
  document.querySelector("#reply-unkept").hidden = isKept;
  document.querySelector("#reply-size").hidden = !isKept;
}

if (words) {
  // The answer says itself what to do, and the words stay where they are.
  document.querySelector("#reply-size").addEventListener("htmx:beforeSwap", (event) => {
    if (SESSION_OVER.includes(event.detail.xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  words.addEventListener("htmx:sendError", () => say(false));
  words.addEventListener("htmx:responseError", () => say(false));
  words.addEventListener("htmx:afterRequest", (event) => {
    // One that the next letters took the place of is no failure.
    if (event.detail.successful) {
      say(true);
    }
  });
}
