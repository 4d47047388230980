// Ticks every request of the page at once. Without scripts the box that does it is not there.
const box = document.querySelector("#pick-all input");
const ticks = [...document.querySelectorAll(".queue input[name='code']")];

function follow() {
  const ticked = ticks.filter((one) => one.checked).length;
  box.checked = ticked === ticks.length;
  box.indeterminate = ticked > 0 && ticked < ticks.length;
}

if (box) {
  box.addEventListener("change", () => {
    for (const one of ticks) {
      one.checked = box.checked;
    }
  });
  for (const one of ticks) {
    one.addEventListener("change", follow);
  }
  // A browser gone back keeps what was ticked.
  window.addEventListener("pageshow", follow);
  follow();
  document.querySelector("#pick-all").hidden = false;
}
