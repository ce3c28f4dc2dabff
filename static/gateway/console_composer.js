// The message that is written: its kinds, what was sent before, what is kept in this browser, and sending it again and again.
import { fromBase64, fromHex, pretty } from "./console_text.js";

const SENT_BEFORE = 30;
const KEPT = 50;
const SHOWN = 60; // characters of a message in a list
const BACKLOG = 1024 * 1024; // bytes that may wait in the browser before a repetition pauses

export class Composer {
  constructor(root, say, send) {
    this.say = say;
    this.send = send;
    this.keepUnder = root.dataset.keep;
    const one = (name) => root.querySelector(`[data-console-${name}]`);
    this.form = one("send");
    this.text = root.querySelector("#console-text");
    this.kind = one("kind");
    this.problem = one("problem");
    this.history = one("history");
    this.snippets = one("snippets");
    this.forget = one("forget");
    this.stopButton = one("stop");
    this.progress = one("progress");
    this.submit = one("submit");
    this.times = root.querySelector("#console-times");
    this.every = root.querySelector("#console-every");
    this.before = [];
    this.kept = this.load();
    this.listen(one);
    this.list(this.snippets, this.kept);
  }

  listen(one) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.go();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !this.submit.disabled) {
        event.preventDefault();
        this.go();
      }
    });
    one("pretty").addEventListener("click", () => this.format());
    this.stopButton.addEventListener("click", () => this.stop());
    this.history.addEventListener("change", () => this.take(this.before, this.history));
    this.snippets.addEventListener("change", () => {
      this.take(this.kept, this.snippets);
      this.forget.hidden = !this.snippets.value;
    });
    one("keep").addEventListener("click", () => this.keep());
    this.forget.addEventListener("click", () => {
      this.kept.splice(Number(this.snippets.value), 1);
      this.save();
    });
  }

  // What would be sent, or null with the problem told.
  data() {
    this.problem.textContent = "";
    const text = this.text.value;
    try {
      if (this.kind.value === "hex") return fromHex(text);
      if (this.kind.value === "base64") return fromBase64(text);
      return text;
    } catch {
      this.problem.textContent = this.say(`bad-${this.kind.value}`);
      this.text.focus();
      return null;
    }
  }

  go() {
    const data = this.data();
    if (data === null || !this.times.reportValidity() || !this.every.reportValidity()) return;
    this.remember();
    const all = Math.min(Math.max(1, Math.trunc(Number(this.times.value) || 1)), 10_000);
    if (all === 1) {
      this.send(data);
      return;
    }
    this.stop();
    this.repeat(data, all, Math.max(10, Number(this.every.value) || 1000));
  }

  repeat(data, all, every) {
    let done = 0;
    const step = () => {
      const waiting = this.waiting?.() ?? 0;
      if (waiting > BACKLOG) return;
      if (!this.send(data) || ++done >= all) this.stop();
      this.progress.textContent = this.say("progress", { done, all });
    };
    this.stopButton.hidden = false;
    this.timer = setInterval(step, every);
    step();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.stopButton.hidden = true;
    this.progress.textContent = "";
  }

  allow(isOpen) {
    this.submit.disabled = !isOpen;
    if (!isOpen) this.stop();
  }

  format() {
    this.problem.textContent = "";
    try {
      JSON.parse(this.text.value);
      this.text.value = pretty(this.text.value);
    } catch (error) {
      this.problem.textContent = this.say("bad-json", { why: error.message });
    }
  }

  remember() {
    const entry = { text: this.text.value, kind: this.kind.value };
    this.before = [entry, ...this.before.filter((old) => old.text !== entry.text || old.kind !== entry.kind)].slice(0, SENT_BEFORE);
    this.list(this.history, this.before);
  }

  take(entries, select) {
    const entry = entries[Number(select.value)];
    if (!entry || select.value === "") return;
    this.text.value = entry.text;
    this.kind.value = entry.kind;
    if (select === this.history) select.value = "";
    this.text.focus();
  }

  list(select, entries) {
    select.length = 1;
    for (const [index, entry] of entries.entries()) {
      select.add(new Option((entry.name ?? entry.text).slice(0, SHOWN) || "∅", String(index)));
    }
  }

  // In this browser only, and only messages: neither credentials nor where they were sent.
  load() {
    try {
      const found = JSON.parse(localStorage.getItem(this.keepUnder) ?? "[]");
      const isOne = (entry) => typeof entry?.text === "string" && ["text", "hex", "base64"].includes(entry.kind);
      return Array.isArray(found) ? found.filter(isOne).slice(0, KEPT) : [];
    } catch {
      return [];
    }
  }

  keep() {
    if (!this.text.value) return;
    this.kept = [{ text: this.text.value, kind: this.kind.value }, ...this.kept.filter((old) => old.text !== this.text.value)].slice(0, KEPT);
    this.save();
    this.snippets.value = "0";
    this.forget.hidden = false;
  }

  save() {
    try {
      localStorage.setItem(this.keepUnder, JSON.stringify(this.kept));
    } catch {
      // a browser that keeps nothing: it lasts as long as the page
    }
    this.list(this.snippets, this.kept);
    this.forget.hidden = true;
  }
}
