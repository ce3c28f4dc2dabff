/* The field for a definition: numbers of its lines, going to one of them, and Tab for two spaces. Without this it is a
   plain field that works as well. */
"use strict";

function codeField() {
  return document.querySelector("[data-code-field]");
}

function number(box) {
  const area = box.querySelector("textarea");
  const place = box.querySelector("[data-line-numbers]");
  const count = area.value.split("\n").length;
  if (place.childElementCount !== 0 || Number(place.dataset.count) !== count) {
    place.dataset.count = count;
    place.textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
  }
  place.scrollTop = area.scrollTop;
}

function goToLine(box, line) {
  const area = box.querySelector("textarea");
  area.closest("details")?.setAttribute("open", "");
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  area.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(area).lineHeight));
  area.scrollLeft = 0;
}

document.addEventListener("DOMContentLoaded", () => {
  const box = codeField();
  if (!box) return;
  const area = box.querySelector("textarea");
  box.classList.add("has-numbers");
  number(box);
  area.addEventListener("input", () => number(box));
  area.addEventListener("scroll", () => number(box));
  let leaves = false; /* Escape, then Tab leaves the field, so that a keyboard is not caught in it. */
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leaves = true;
    else if (event.key === "Tab" && !event.shiftKey && !leaves) {
      event.preventDefault();
      area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (event.key !== "Tab") leaves = false;
  });
  area.addEventListener("blur", () => { leaves = false; });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-go-to-line]");
  if (button && codeField()) goToLine(codeField(), Number(button.dataset.goToLine));
});
