// Ticks every request of the page at once, and leads to the form with how many are ticked. Without
// scripts neither the box nor the way is there. A row that is told to be gone can be neither opened
// nor ticked any more.
const tabs = document.querySelector(".tabs");
const current = tabs.querySelector("[aria-current]");
const box = document.querySelector("#pick-all input");
const picked = document.querySelector("#picked");
let ticks = [...document.querySelectorAll(".queue input[name='code']")];

function follow() {
  const ticked = ticks.filter((one) => one.checked).length;
  box.checked = ticks.length > 0 && ticked === ticks.length;
  box.indeterminate = ticked > 0 && ticked < ticks.length;
  picked.querySelector("span").textContent = ticked;
  picked.hidden = ticked === 0;
}

function leave(row) {
  row.querySelector("input[name='code']")?.remove();
  const link = row.querySelector("a.code");
  if (link) {
    const code = document.createElement("span");
    code.className = link.className;
    code.textContent = link.textContent;
    link.replaceWith(code);
  }
  ticks = ticks.filter((one) => one.isConnected);
  follow();
}

if (box) {
  document.addEventListener("htmx:sseMessage", ({ target }) => {
    if (target.querySelector("[data-gone]")) {
      leave(target.closest("tr"));
    }
  });
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

// On a narrow screen the tabs are one row, which begins far from the last of them.
tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
