// What messages look like: hex, Base64 and JSON; and the sentences of the page, which stand in its template.

const HEX_SHOWN = 4096;

export function fromHex(text) {
  const digits = text.replace(/0x|[\s:,]/gi, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new Error("hex");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes) {
  return Array.from(bytes.subarray(0, HEX_SHOWN), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

export function fromBase64(text) {
  const plain = text.replace(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(plain), (character) => character.charCodeAt(0));
}

export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

// JSON with a line for each member, or the text as it is.
export function pretty(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function sizeOf(data) {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength;
}

// say("closed", {code: 1000}) fills in the sentence that the template holds under that name.
export function speaker(list) {
  const known = new Map([...list.querySelectorAll("[data-word]")].map((item) => [item.dataset.word, item.textContent]));
  const say = (name, facts = {}) => (known.get(name) ?? name).replace(/%(\w+)%/g, (_, key) => facts[key] ?? "");
  say.knows = (name) => known.has(name);
  return say;
}
