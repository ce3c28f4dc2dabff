/* What was typed outlives a sign-in that ended meanwhile, and a form is sent once, however often its button is pressed.

   A form that is sent leaves its fields in this tab. If the sign-in page comes instead of an answer (or the page that says
   that the form is out of date), they wait there, and the same person finds them in the form again. Whatever other page
   comes forgets them. Passwords and files are never kept; forms with a draft (publisher.js) keep their own. */
"use strict";

const TYPED = "typed";
const PATIENCE_MS = 5000; // after it a form may be sent again: an answer that is a download leaves the page as it is
const NEVER = ["csrfmiddlewaretoken", "confirmed"];

function addressOf(form) {
  const address = new URL(form.getAttribute("hx-post") ?? form.getAttribute("action") ?? "", location);
  return address.pathname + address.search;
}

function fieldsOf(form) {
  return [...form.elements].filter((field) => field.name && !NEVER.includes(field.name) && !["password", "file", "submit", "button"].includes(field.type));
}

/* Forms of one address differ by the names of their fields. */
function nature(form) {
  return [...new Set(fieldsOf(form).map((field) => field.name))].sort().join(" ");
}

function isTyped(field) {
  return field.type !== "hidden" && (field.tagName === "TEXTAREA" || field.type === "checkbox" ? true : field.value !== "");
}

function keepTyped(form, address) {
  const fields = fieldsOf(form);
  if (isOnTheWayBack() || !form.closest("main") || "draft" in form.dataset || !fields.some(isTyped)) return;
  const values = fields.filter((field) => !["checkbox", "radio"].includes(field.type) || field.checked).map((field) => [field.name, field.value]);
  const places = [location.pathname + location.search, address];
  const kept = { places, address: addressOf(form), nature: nature(form), person: document.body.dataset.person, values };
  try {
    sessionStorage.setItem(TYPED, JSON.stringify(kept));
  } catch {
    sessionStorage.removeItem(TYPED); // more than the browser keeps: then nothing
  }
}

/* Rows that a button added are there again before their values are. */
function growRows(form, names) {
  for (const [name, count] of names) {
    const button = form.querySelector(`[name="${CSS.escape(name)}"]`)?.closest("[data-rows]")?.querySelector("[data-add-row]");
    for (let missing = count - form.querySelectorAll(`[name="${CSS.escape(name)}"]`).length; button && missing > 0; missing--) button.click();
  }
}

function fillIn(form, values) {
  const given = new Map();
  for (const [name, value] of values) given.set(name, [...(given.get(name) ?? []), value]);
  growRows(form, [...given].map(([name, list]) => [name, list.length]));
  for (const field of fieldsOf(form)) {
    const list = given.get(field.name);
    if (["checkbox", "radio"].includes(field.type)) field.checked = Boolean(list?.includes(field.value));
    else if (list?.length) field.value = list.shift();
  }
}

function isOnTheWayBack() {
  return location.pathname === "/login" || document.querySelector("[data-typed-waits]");
}

function restoreTyped() {
  const kept = JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
  if (!kept) return;
  if (isOnTheWayBack()) {
    sessionStorage.setItem(TYPED, JSON.stringify({ ...kept, waits: true }));
    return;
  }
  sessionStorage.removeItem(TYPED);
  if (!kept.waits || kept.person !== document.body.dataset.person || !kept.places.includes(location.pathname + location.search)) return;
  const form = [...document.querySelectorAll("main form")].find((one) => addressOf(one) === kept.address && nature(one) === kept.nature);
  if (!form) return;
  fillIn(form, kept.values);
  const note = Object.assign(document.createElement("div"), { className: "alert alert-info", textContent: document.body.dataset.typed });
  note.setAttribute("role", "status");
  form.before(note);
  note.scrollIntoView({ block: "nearest" });
}

/* On the window, so that the questions that a page asks first (publisher.js) have been asked. */
let sent = new WeakSet();
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  setTimeout(() => sent.delete(form), PATIENCE_MS);
  const address = new URL(event.submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location);
  keepTyped(form, address.pathname + address.search);
});
addEventListener("pageshow", () => { sent = new WeakSet(); }); // also when somebody came back to a page that was left

/* A dialog is sent by htmx. Its form has an address of its own, on which the sign-in page leads back to it. */
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const form = event.target.closest?.("form");
  const way = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (event.detail.xhr.status !== 401 || !way || !form?.hasAttribute("hx-post") || "draft" in form.dataset) return;
  event.preventDefault();
  keepTyped(form, addressOf(form));
  const login = new URL(way, location);
  login.searchParams.set("next", addressOf(form));
  location.assign(login);
});

document.addEventListener("DOMContentLoaded", restoreTyped);
