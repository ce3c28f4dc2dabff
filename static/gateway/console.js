// The test console: a connection to an API, opened with a one-time ticket that the portal gives.
import { Composer } from "./console_composer.js";
import { Log } from "./console_log.js";
import { speaker } from "./console_text.js";

const STANDARD = new Set([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 1014]);
const ECHO_MS = 30_000;

class Console {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("[data-console-connect]");
    this.say = speaker(root.querySelector("[data-console-words]"));
    this.log = new Log(root, this.say);
    this.composer = new Composer(root, this.say, (data) => this.send(data));
    this.composer.waiting = () => this.socket?.bufferedAmount ?? 0;
    this.refused = this.one("refused");
    this.credentials = new Map(); // by what is chosen; gone with the page
    this.listen();
    this.chooseAddress();
    this.chooseTopic();
    this.chooseCredential();
    root.hidden = false;
  }

  one(name) {
    return this.root.querySelector(`[data-console-${name}]`);
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.connect();
    });
    this.form.elements.address.addEventListener("change", () => this.chooseAddress());
    this.form.elements.with.addEventListener("change", () => this.chooseCredential());
    this.one("topic").addEventListener("change", () => this.chooseTopic());
    this.one("close").addEventListener("click", () => this.close());
    const pause = this.one("pause");
    pause.addEventListener("click", () => {
      const isPaused = pause.getAttribute("aria-pressed") !== "true";
      pause.setAttribute("aria-pressed", String(isPaused));
      pause.textContent = this.say(isPaused ? "resume" : "pause");
      this.log.pause(isPaused);
    });
    this.one("clear").addEventListener("click", () => this.log.clear());
    this.one("download").addEventListener("click", () => this.log.download("messages.jsonl"));
    window.addEventListener("pagehide", () => this.socket?.close(1000));
  }

  // What is chosen -------------------------------------------------------------------------------------------------

  chooseAddress() {
    const option = this.form.elements.address.selectedOptions[0];
    const isSecure = option.value.startsWith("wss:");
    const notes = {
      mixed: location.protocol === "https:" && !isSecure,
      "self-signed": isSecure && "selfSigned" in option.dataset,
      tls: isSecure && !("selfSigned" in option.dataset),
    };
    for (const note of this.form.querySelectorAll("[data-note]")) note.hidden = !notes[note.dataset.note];
    for (const link of this.form.querySelectorAll("a[data-health]")) link.href = option.dataset.health || "#";
  }

  chooseCredential() {
    this.one("own").hidden = this.form.elements.with.value !== "own";
  }

  // A field for each parameter of the topic, and one for the rest of a topic that takes any.
  chooseTopic() {
    const place = this.one("parameters");
    const name = this.one("topic").value;
    this.parts = name.split(/(\{[^{}/]+\}|\/\*$)/).filter(Boolean);
    this.fields = [];
    const fields = this.parts.map((part, index) => {
      const isRest = part === "/*";
      if (!isRest && !part.startsWith("{")) return null;
      const field = document.createElement("div");
      const label = Object.assign(document.createElement("label"), { className: "form-label", htmlFor: `console-parameter-${index}` });
      label.textContent = isRest ? this.say("path") : this.say("parameter", { name: part.slice(1, -1) });
      const input = Object.assign(document.createElement("input"), { className: "form-control", id: label.htmlFor, spellcheck: false });
      input.required = !isRest;
      input.placeholder = isRest ? this.say("none") : "";
      field.append(label, input);
      this.fields[index] = input;
      return field;
    });
    place.replaceChildren(...fields.filter(Boolean));
  }

  topic() {
    const filled = this.parts.map((part, index) => {
      const value = this.fields[index]?.value.trim();
      if (value === undefined) return part;
      if (part !== "/*") return encodeURIComponent(value);
      const path = value.split("/").map((step) => encodeURIComponent(decoded(step))).join("/");
      return path && !path.startsWith("/") ? `/${path}` : path;
    });
    return filled.join("");
  }

  // The connection -------------------------------------------------------------------------------------------------

  state(name) {
    const isUp = name !== "idle";
    const badge = this.one("state");
    badge.textContent = this.say(name);
    badge.className = `ms-auto badge ${name === "open" ? "bg-green-lt" : isUp ? "bg-yellow-lt" : "bg-secondary-lt"}`;
    this.one("open").disabled = isUp;
    this.one("close").disabled = name !== "open" && name !== "connecting";
    this.composer.allow(name === "open");
  }

  refuse(text) {
    this.refused.textContent = text;
    this.refused.hidden = !text;
    if (text) this.log.note(text);
  }

  wish(more = {}) {
    const { address, query, subprotocols, pasted } = this.form.elements;
    const chosen = this.form.elements.with.value;
    const secret = chosen === "own" ? pasted.value.trim() : (this.credentials.get(chosen) ?? "");
    const body = new URLSearchParams({
      address: address.value, topic: this.topic(), query: query.value.trim().replace(/^\?/, ""), with: chosen, secret,
      subprotocols: subprotocols.value.trim(), ...more,
    });
    return { chosen, body };
  }

  // One question to the portal. A key that it made before and that opens nothing any more is made anew, once.
  async ask(more = {}) {
    const { chosen, body } = this.wish(more);
    const token = this.form.elements.csrfmiddlewaretoken.value;
    let answer;
    try {
      const response = await fetch(this.root.dataset.ask, { method: "POST", body, headers: { "X-CSRFToken": token }, redirect: "error" });
      if (!response.headers.get("content-type")?.includes("json")) throw new Error(String(response.status));
      answer = await response.json();
    } catch (error) {
      return { refused: this.say("no-portal", { status: error.message }), here: true };
    }
    if (answer.code === "invalid_token" && chosen !== "own" && this.credentials.delete(chosen)) return this.ask(more);
    if (answer.credential && chosen !== "own") this.credentials.set(chosen, answer.credential);
    return answer;
  }

  async connect() {
    if (this.socket || !this.form.reportValidity()) return;
    this.refuse("");
    this.state("connecting");
    const answer = await this.ask();
    if (answer.refused) {
      this.state("idle");
      this.refuse(answer.here ? answer.refused : answer.code && answer.status !== 409 && answer.status !== 429
        ? this.say("refused", { status: answer.status, code: answer.code, why: answer.refused })
        : this.say("refused-here", { why: answer.refused }));
      return;
    }
    const names = this.form.elements.subprotocols.value.split(",").map((name) => name.trim()).filter(Boolean);
    try {
      this.socket = new WebSocket(answer.url, names);
    } catch (error) {
      this.state("idle");
      this.refuse(this.say("bad-address", { why: error.message }));
      return;
    }
    this.watch(this.socket, answer.url.split("?")[0]);
  }

  watch(socket, url) {
    const began = performance.now();
    let wasOpen = false;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      wasOpen = true;
      this.state("open");
      const ms = Math.round(performance.now() - began);
      this.log.note(this.say("opened", { ms, url, subprotocol: socket.protocol || this.say("none") }));
      this.root.querySelector("#console-text").focus();
    });
    socket.addEventListener("message", (event) => this.receive(event.data));
    socket.addEventListener("close", async (event) => {
      this.socket = null;
      if (wasOpen || this.isLeaving) {
        this.isLeaving = false;
        this.state("idle");
        this.log.note(await this.explained(event));
        return;
      }
      this.log.note(this.say("hidden"));
      await this.askWhy();
      this.state("idle");
    });
  }

  receive(data) {
    this.log.message("received", data);
    if (this.lastSent && typeof data === "string" && data === this.lastSent.data) {
      const ms = performance.now() - this.lastSent.at;
      if (ms < ECHO_MS) this.log.echo(ms);
      this.lastSent = null;
    }
  }

  send(data) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(data);
    this.log.message("sent", data);
    this.lastSent ??= typeof data === "string" ? { data, at: performance.now() } : null;
    if (this.lastSent && performance.now() - this.lastSent.at > ECHO_MS) this.lastSent = null;
    return true;
  }

  close() {
    const code = Number(this.root.querySelector("#console-code").value) || 1000;
    const reason = this.root.querySelector("#console-reason").value;
    try {
      this.isLeaving = true;
      this.socket?.close(code, reason);
      this.state("closing");
    } catch {
      this.isLeaving = false;
      this.refuse(this.say("bad-close"));
    }
  }

  // A page is not told how a handshake was answered, so the portal tries the same one and says.
  async askWhy() {
    const answer = await this.ask({ why: "yes" });
    if (answer.refused) this.refuse(answer.here ? answer.refused : this.say("refused", { status: answer.status ?? "", code: answer.code ?? "", why: answer.refused }));
    else if (answer.open) this.refuse(this.say("browser"));
    else if (answer.status) this.refuse(this.say("refused", { status: answer.status, code: answer.code, why: answer.says }));
    else this.refuse(this.say("unreachable", { why: answer.says }));
  }

  async explained(event) {
    const known = (await this.codes()).get(event.code);
    const standard = STANDARD.has(event.code) ? this.say(`code-${event.code}`) : this.say("code-other");
    const isOurs = known && (event.code >= 4000 || event.reason.startsWith(known.name) || event.code !== 1008);
    const facts = { code: event.code, name: standard, reason: event.reason };
    if (event.code >= 4000 && known) facts.name = known.name.replaceAll("_", " ");
    const first = this.say(event.reason ? "closed-reason" : "closed", facts);
    return isOurs ? `${first} ${this.say("advice", known)}` : first;
  }

  codes() {
    this.known ??= fetch("/api/v1/close-codes")
      .then((response) => response.json())
      .then((rows) => new Map((rows.results ?? rows).map((row) => [row.code, row])))
      .catch(() => new Map());
    return this.known;
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

for (const root of document.querySelectorAll("[data-console]")) new Console(root);
