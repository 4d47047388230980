// Ticks every request of the page at once, and leads to the form with how many are ticked. Without
// scripts neither the box nor the way is there.
const box = document.querySelector("#pick-all input");
const picked = document.querySelector("#picked");
const ticks = [...document.querySelectorAll(".queue input[name='code']")];

function follow() {
  const ticked = ticks.filter((one) => one.checked).length;
  box.checked = ticked === ticks.length;
  box.indeterminate = ticked > 0 && ticked < ticks.length;
  picked.querySelector("span").textContent = ticked;
  picked.hidden = ticked === 0;
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
