// Says when what was typed could not be kept; as soon as the line is back it is kept after all.
const words = document.querySelector("#reply-text");

function say(isKept) {
  document.querySelector("#reply-unkept").hidden = isKept;
  document.querySelector("#reply-size").hidden = !isKept;
}

if (words) {
  words.addEventListener("htmx:sendError", () => say(false));
  words.addEventListener("htmx:responseError", () => say(false));
  words.addEventListener("htmx:afterRequest", (event) => {
    // One that the next letters took the place of is no failure.
    if (event.detail.successful) {
      say(true);
    }
  });
}
