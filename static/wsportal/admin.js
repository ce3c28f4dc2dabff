// Rows of a small table (limits, URLs): the cross empties a row, and what is empty is not saved.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-clear-row]");
  if (!button) return;
  for (const input of button.closest("tr").querySelectorAll("input")) input.value = "";
});
