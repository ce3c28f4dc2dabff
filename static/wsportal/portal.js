/* Small behaviours for all portal pages. Everything works without it except what only a script can do (copying). */
"use strict";

/* Without https (other than on this machine) browsers lend no clipboard; then the text is selected, ready for Ctrl-C. */
async function copied(source) {
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

function showCopied(button) {
  const label = button.querySelector("[data-copy-label]") ?? button;
  const icon = button.querySelector("i.fa-copy");
  const before = [label.textContent, button.getAttribute("aria-label")];
  const copiedWord = document.body.dataset.copied ?? "Copied";
  label.textContent = copiedWord;
  if (before[1]) button.setAttribute("aria-label", copiedWord);
  icon?.classList.replace("fa-copy", "fa-circle-check");
  setTimeout(() => {
    label.textContent = before[0];
    if (before[1]) button.setAttribute("aria-label", before[1]);
    icon?.classList.replace("fa-circle-check", "fa-copy");
  }, 1500);
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.querySelector(copy.dataset.copy);
    if (await copied(source)) showCopied(copy);
  }
  if (event.target.closest("[data-print]")) print();
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    event.preventDefault();
    document.querySelector(opener.dataset.openDialog).showModal();
  }
  const closer = event.target.closest("[data-close-dialog]");
  if (closer) {
    closer.closest("dialog").close();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

/* Light, dark, or what the system says; remembered in this browser only. */
const theme = localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.documentElement.dataset.bsTheme = theme;
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-toggle-theme]")) return;
  const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  document.documentElement.dataset.bsTheme = next;
  localStorage.setItem("theme", next);
});

/* A button that only a script can serve is there only with one. */
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
});

/* What can only be seen by scrolling is reached by the keyboard: such a box takes the focus, and no other does. */
const SCROLLED = "pre, .table-responsive, .table-wide, .code-box, .diagram, .side-menu, .sheet-body, .markdown table, .told-lines";
const growth = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));
function reach(box) {
  const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  if (scrolls) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
}
function watchScrolled(root) {
  for (const box of root.querySelectorAll(SCROLLED)) if (!box.closest("[aria-hidden]") && !box.hasAttribute("role")) growth.observe(box);
}
document.addEventListener("DOMContentLoaded", () => watchScrolled(document));
document.addEventListener("htmx:afterSettle", (event) => watchScrolled(event.target));
