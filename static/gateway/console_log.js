// The log of the console: bounded, filtered, and drawn at most once for each picture on the screen.
import { pretty, sizeOf, toBase64, toHex } from "./console_text.js";

const LINES = 1000;
const KEPT = 64 * 1024; // of each message
const SPOKEN = 5; // lines a second that a screen reader may read out

const MARKS = { sent: "↑", received: "↓", note: "•" };

export class Log {
  constructor(root, say) {
    this.say = say;
    this.list = root.querySelector("[data-console-log]");
    this.status = root.querySelector("[data-console-status]");
    this.filter = root.querySelector("[data-console-filter]");
    this.way = root.querySelector("[data-console-way]");
    this.bytes = root.querySelector("[data-console-bytes]");
    this.counters = new Map([...root.querySelectorAll("[data-count]")].map((place) => [place.dataset.count, place]));
    this.lines = [];
    this.waiting = [];
    this.paused = false;
    this.tally = { sent: [0, 0], received: [0, 0] };
    this.recent = [];
    this.spoke = 0;
    for (const field of [this.filter, this.way, this.bytes]) field.addEventListener("input", () => this.redraw());
  }

  note(text) {
    this.push({ way: "note", at: new Date(), text });
  }

  message(way, data) {
    const size = sizeOf(data);
    this.tally[way][0] += 1;
    this.tally[way][1] += size;
    const isText = typeof data === "string";
    const kept = isText ? data.slice(0, KEPT) : new Uint8Array(data.slice(0, KEPT));
    this.push({ way, at: new Date(), size, isText, data: kept, cut: size > sizeOf(kept) ? size - sizeOf(kept) : 0 });
  }

  push(line) {
    this.lines.push(line);
    if (this.lines.length > LINES) this.lines.splice(0, this.lines.length - LINES);
    this.waiting.push(line);
    if (this.waiting.length > LINES) this.waiting.shift();
    // Not requestAnimationFrame alone: it rests in a tab that is not seen.
    this.timer ??= setTimeout(() => this.draw(), 40);
  }

  draw() {
    this.timer = null;
    this.count();
    if (this.paused) {
      this.status.textContent = this.say("paused", { n: this.waiting.length });
      return;
    }
    const fresh = this.waiting.splice(0);
    this.speak(fresh.length);
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.list.append(...fresh.filter((line) => this.fits(line)).map((line) => this.row(line)));
    while (this.list.children.length > LINES) this.list.firstElementChild.remove();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  // Every line is read out while they are few; when they are many, their number is, every three seconds.
  speak(fresh) {
    const now = Date.now();
    this.recent = [...this.recent.filter(([at]) => now - at < 1000), [now, fresh]];
    const rate = this.recent.reduce((sum, [, count]) => sum + count, 0);
    const isBusy = rate > SPOKEN;
    this.list.setAttribute("aria-live", isBusy ? "off" : "polite");
    if (isBusy && now - this.spoke > 3000) {
      this.spoke = now;
      this.status.textContent = this.say("busy", { sent: this.tally.sent[0], received: this.tally.received[0] });
    } else if (!isBusy && this.spoke && now - this.spoke > 3000) {
      this.spoke = 0;
      this.status.textContent = "";
    }
  }

  count() {
    for (const way of ["sent", "received"]) {
      const [n, bytes] = this.tally[way];
      this.counters.get(way).textContent = this.say("count", { n: n.toLocaleString(), bytes: bytes.toLocaleString() });
    }
  }

  echo(ms) {
    this.counters.get("echo").textContent = this.say("ms", { n: ms < 10 ? ms.toFixed(1) : Math.round(ms) });
  }

  shown(line) {
    if (line.way === "note") return line.text;
    if (line.isText) return line.data;
    return this.bytes.value === "hex" ? toHex(line.data) : toBase64(line.data);
  }

  fits(line) {
    if (this.way.value && line.way !== this.way.value) return false;
    const wanted = this.filter.value.trim().toLowerCase();
    return !wanted || this.shown(line).toLowerCase().includes(wanted);
  }

  redraw() {
    if (!this.paused) this.waiting = [];
    const fitting = this.lines.filter((line) => this.fits(line));
    this.list.setAttribute("aria-live", "off"); // what was read out once is not read out again
    this.list.replaceChildren(...fitting.map((line) => this.row(line)));
    this.list.scrollTop = this.list.scrollHeight;
    const isNarrowed = this.filter.value.trim() || this.way.value;
    this.status.textContent = isNarrowed ? this.say("fits", { n: fitting.length, all: this.lines.length }) : "";
  }

  row(line) {
    const row = made("li", "console-row");
    row.dataset.way = line.way;
    const mark = made("span", "console-mark", `${MARKS[line.way]} ${this.say(line.way)}`);
    const when = made("time", "console-when", clock(line.at));
    when.dateTime = line.at.toISOString();
    if (line.way === "note") {
      const note = made("div", "console-note");
      note.append(mark, when, made("span", "", line.text));
      row.append(note);
      return row;
    }
    const details = made("details");
    const summary = made("summary");
    const text = this.shown(line);
    summary.append(
      mark,
      when,
      made("span", "console-kind", this.say(line.isText ? "text" : "binary")),
      made("span", "console-size", this.say("size", { n: line.size.toLocaleString() })),
      made("code", "", text.slice(0, 300)),
    );
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(this.whole(line));
    });
    row.append(details);
    return row;
  }

  whole(line) {
    const text = line.isText ? pretty(line.data) : this.shown(line);
    const whole = made("pre", "", text + (line.cut ? `\n${this.say("cut", { n: line.cut.toLocaleString() })}` : ""));
    whole.tabIndex = 0;
    return whole;
  }

  pause(isPaused) {
    this.paused = isPaused;
    this.status.textContent = "";
    if (!isPaused) this.draw();
  }

  clear() {
    this.lines = [];
    this.waiting = [];
    this.tally = { sent: [0, 0], received: [0, 0] };
    this.list.replaceChildren();
    this.status.textContent = "";
    this.count();
  }

  // JSON lines: {"at","way","kind","size","text"} or "base64" in place of the text; of the connection {"at","way","text"}.
  download(name) {
    const lines = this.lines.map((line) => {
      const facts = { at: line.at.toISOString(), way: line.way };
      if (line.way === "note") return { ...facts, text: line.text };
      const content = line.isText ? { text: line.data } : { base64: toBase64(line.data) };
      return { ...facts, kind: line.isText ? "text" : "binary", size: line.size, ...content, ...(line.cut ? { cut: line.cut } : {}) };
    });
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

function made(tag, css = "", text = "") {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text) element.textContent = text;
  return element;
}

function clock(at) {
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
