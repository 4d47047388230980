// Copies the link that is shown; without a script, or without leave, it is selected by hand.
const button = document.querySelector("#copy");

if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector("#link").textContent);
    document.querySelector("#copied").hidden = false;
  });
}
