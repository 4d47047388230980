// The name of a sensitive agency goes into no message: who chooses one asks the person otherwise.
const byMessage = document.querySelector("[data-by-message]");

function look() {
  const isSensitive = document.querySelector("[data-sensitive]:checked") !== null;
  const radio = byMessage.querySelector("input");
  if (isSensitive && radio.checked) {
    document.querySelector("[name='consent'][value='told']").checked = true;
  }
  radio.disabled = isSensitive;
  byMessage.querySelector(".usual").hidden = isSensitive;
  byMessage.querySelector(".sensitive").hidden = !isSensitive;
}

if (byMessage) {
  document.addEventListener("change", look);
  // A browser that goes back to the page puts back what was chosen on it.
  window.addEventListener("pageshow", look);
}
