/* Publisher portal. Every form works without this; it adds dialogs, what is enabled when, and drafts. */
"use strict";

/* Dialogs ------------------------------------------------------------------------------------------------------ */

/* A form that was fetched into a dialog opens it; refusals (4xx) are swapped in like any answer: they hold the form
   with its errors and everything that was typed. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (xhr.status >= 400 && xhr.status < 500 && (target.id === "sheet-content" || target.id === "design-form")) {
    const isForm = xhr.responseText.trimStart().startsWith("<form");
    event.detail.shouldSwap = isForm;
    event.detail.isError = !isForm;
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail;
  const sheet = target.closest("dialog.sheet");
  if (sheet && !sheet.open) sheet.showModal();
});
document.addEventListener("htmx:afterSettle", (event) => {
  const { target } = event.detail;
  if (target.matches("[id$=trial]")) target.scrollIntoView({ block: "nearest", behavior: "smooth" });
  if (target.id !== "sheet-content" && target.id !== "design-form") return;
  const form = document.querySelector("#design-form") ?? target;
  form.querySelector("[aria-invalid='true']")?.focus();
});

/* What could not be sent or answered is said; nothing that was typed is touched. */
function complain(event) {
  const place = event.target.closest("[data-load-failed]");
  if (place) {
    place.textContent = place.dataset.loadFailed;
    return;
  }
  const form = event.target.closest("form");
  if (!form || event.detail.xhr?.status === 401 || event.target !== form) return;
  const status = event.detail.xhr?.status;
  const alert = form.querySelector("[data-complaint]") ?? document.createElement("div");
  alert.className = "alert alert-danger m-3";
  alert.dataset.complaint = "";
  alert.setAttribute("role", "alert");
  const words = document.getElementById("complaints").dataset; // in the language of the page
  alert.textContent = !status ? words.unreachable : status === 403 ? words.forbidden : words.failed.replace("STATUS", status);
  form.prepend(alert);
  alert.scrollIntoView({ block: "nearest" });
}
document.addEventListener("htmx:responseError", complain);
document.addEventListener("htmx:sendError", complain);

/* Before something that hurts: <form data-confirm-title data-confirm-text data-confirm-button>. The server asks
   again unless `confirmed` comes with it, so a browser without script gets the question as a page. */
let asking = null;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirmTitle || form.elements.confirmed) return;
  event.preventDefault();
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("#confirm-title").textContent = form.dataset.confirmTitle;
  dialog.querySelector("[data-confirm-slot='text']").textContent = form.dataset.confirmText;
  const points = dialog.querySelector("[data-confirm-slot='points']");
  points.replaceChildren();
  for (const text of form.dataset.confirmPoints?.split("\n") ?? []) points.append(Object.assign(document.createElement("li"), { textContent: text }));
  points.hidden = !points.children.length;
  const button = dialog.querySelector("[data-confirm-slot='button']");
  button.textContent = form.dataset.confirmButton;
  button.classList.toggle("btn-danger", !("confirmCalm" in form.dataset));
  button.classList.toggle("btn-primary", "confirmCalm" in form.dataset);
  asking = { form, submitter: event.submitter };
  dialog.showModal();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-confirm-slot='button']") || !asking) return;
  const { form, submitter } = asking;
  const yes = document.createElement("input");
  yes.type = "hidden";
  yes.name = "confirmed";
  yes.value = "yes";
  form.append(yes);
  document.getElementById("confirm-dialog").close();
  form.requestSubmit(submitter);
});

/* Rows of URLs, headers and targets in the endpoint's configuration ----------------------------------------------------------------- */

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-add-row]")) {
    const group = event.target.closest("[data-rows]");
    const row = group.querySelector("[data-row-template]").content.firstElementChild.cloneNode(true);
    group.querySelector("[data-url-rows]").append(row);
    row.querySelector("input").focus();
  }
  if (event.target.closest("[data-remove-row]")) {
    const row = event.target.closest("[data-url-row]");
    if (row.parentElement.children.length > 1) row.remove();
    else for (const input of row.querySelectorAll("input:not([name='weight'])")) input.value = "";
  }
});

/* Design a New WebSocket API ----------------------------------------------------------------------------------- */

function isGiven(form, name) {
  const fields = form.elements[name];
  if (!fields) return false;
  const list = fields instanceof RadioNodeList ? [...fields] : [fields];
  const problem = form.querySelector(`#${name}-problem`)?.textContent.trim();
  return !problem && list.some((field) => (field.type === "checkbox" ? field.checked : field.value.trim() !== ""));
}

function hasProblems(form) {
  return [...form.querySelectorAll(".invalid-feedback")].some((place) => place.textContent.trim());
}

/* A button is enabled when what it needs is given and no field is known to be wrong; the server checks again. */
function refresh(form) {
  for (const button of form.querySelectorAll("[data-needs]")) {
    button.disabled = hasProblems(form) || !button.dataset.needs.split(" ").every((name) => isGiven(form, name));
  }
  for (const field of form.querySelectorAll("input[aria-describedby]")) {
    const problem = document.getElementById(field.getAttribute("aria-describedby").split(" ")[0]);
    if (problem?.textContent.trim()) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

/* The server keeps what is typed (_draft_keeper.html). Only what it could not keep, because the sign-in has ended
   or changed, waits in this tab until the same person is back. */
function stash(form) {
  const values = [...new FormData(form)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
  sessionStorage.setItem(stashName(form), JSON.stringify(values));
}

function stashName(form) {
  return `${form.dataset.draft}:${form.dataset.person}`;
}

function restoreStash(form) {
  const kept = sessionStorage.getItem(stashName(form));
  if (!kept) return;
  sessionStorage.removeItem(stashName(form));
  for (const box of form.querySelectorAll("input[type='checkbox']")) box.checked = false;
  for (const [name, value] of JSON.parse(kept)) {
    const fields = form.elements[name];
    if (!fields) continue;
    for (const field of fields instanceof RadioNodeList ? fields : [fields]) {
      if (field.type === "checkbox") field.checked ||= field.value === value;
      else if (!["submit", "file"].includes(field.type)) field.value = value;
    }
  }
}

function recheck(form) {
  for (const field of form.querySelectorAll("[hx-trigger*='recheck']")) {
    if (field.value) htmx.trigger(field, "recheck");
  }
}

function designForm() {
  return document.querySelector("[data-design-form]");
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-design-form]");
  if (form) refresh(form);
});
document.addEventListener("htmx:afterSwap", () => {
  if (designForm()) refresh(designForm());
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (!form || ![401, 403].includes(event.detail.xhr.status)) return;
  stash(form);
  const keeper = event.target.closest("[data-signed-out]");
  if (keeper) keeper.textContent = keeper.dataset.signedOut;
});

/* What is going on while a form is sent, in the words of the button that sent it. */
document.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.target.querySelector?.("[data-progress-place]");
  const words = event.detail.requestConfig.triggeringEvent?.submitter?.dataset.progress;
  if (place && words) place.textContent = words;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const place = event.target.querySelector?.("[data-progress-place]");
  if (place && event.detail.xhr.status !== 204) place.textContent = "";
});

document.addEventListener("DOMContentLoaded", () => {
  document.documentElement.classList.add("has-script");
  const line = document.querySelector(".side-link.active"); // on a phone the menu is a line; the page itself stays where it is
  if (line) line.parentElement.scrollLeft = line.offsetLeft - (line.parentElement.clientWidth - line.offsetWidth) / 2;
  const diagram = document.querySelector(".diagram");
  const here = diagram?.querySelector(".diagram-box.is-present")?.getBoundingClientRect();
  if (here) diagram.scrollLeft += here.left + here.width / 2 - diagram.getBoundingClientRect().left - diagram.clientWidth / 2;
  for (const form of document.querySelectorAll("form[data-draft]")) restoreStash(form);
  const form = designForm();
  if (!form) return;
  if (!form.querySelector("[aria-invalid='true']")) recheck(form);
  refresh(form);
});

/* One box that ticks all boxes of its page; it is there only with a script. */
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("[data-check-all]")) box.hidden = false;
});
document.addEventListener("change", (event) => {
  const name = event.target.dataset?.checkAll;
  if (!name) return;
  for (const box of document.querySelectorAll(`input[type='checkbox'][name='${name}']`)) box.checked = event.target.checked;
});

/* A file that would be refused is not sent: it would take long, and from 16 MiB on take the form with it. */
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.dataset?.mostBytes) return;
  const isLarge = [...input.files].some((file) => file.size > Number(input.dataset.mostBytes));
  document.getElementById(input.getAttribute("aria-describedby").split(" ")[0]).textContent = isLarge ? input.dataset.tooLarge : "";
  if (isLarge) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  if (isLarge) input.value = "";
});

/* A picture that was chosen is shown before it is sent. */
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.id !== "id_thumbnail" || !input.files.length) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    const shown = Object.assign(new Image(), { className: "picture picture-lg", alt: input.dataset.chosen });
    shown.addEventListener("load", () => document.querySelector(".picture-place").replaceChildren(shown));
    shown.src = reader.result;
  });
  reader.readAsDataURL(input.files[0]);
});
