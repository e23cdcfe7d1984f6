// Nodes, and how a page is brought up to date. Names come from Kafka: they are only ever text, never markup.

/** Return an element: `h("td.num", {title: "…"}, "text", node)`. */
export function h(tag, about = {}, ...kids) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  node.listeners = {};
  for (const [key, value] of Object.entries(about)) {
    if (value == null || value === false) continue;
    if (key === "css") for (const [property, text] of Object.entries(value)) node.style.setProperty(property, text);
    else if (key.startsWith("on")) listen(node, key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...kids.flat(9).filter((kid) => kid != null && kid !== false));
  return node;
}

function listen(node, type, handler) {
  node.listeners[type] = handler;
  node.addEventListener(type, (event) => node.listeners[type]?.(event));
}

/** Make `old` as `made` is, and keep what is alike: focus, selection and places of scrolling stay where they were. */
export function morph(old, made) {
  if (old.nodeType !== made.nodeType || old.nodeName !== made.nodeName || old.id !== made.id) {
    old.replaceWith(made);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    const kept = name === "open" || name === "style";
    if (!made.hasAttribute(name) && !kept) old.removeAttribute(name);
  }
  for (const { name, value } of made.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== made.style.cssText) old.style.cssText = made.style.cssText; // by CSSOM: the policy allows it
  for (const type of Object.keys(made.listeners ?? {})) {
    if (old.listeners?.[type]) old.listeners[type] = made.listeners[type];
    else listen(old, type, made.listeners[type]);
  }
  for (const type of Object.keys(old.listeners ?? {})) if (!made.listeners?.[type]) delete old.listeners[type];
  fill(old, [...made.childNodes]);
}

/** Give a node these children. */
export function fill(node, kids) {
  const there = [...node.childNodes];
  kids.forEach((kid, place) => (place < there.length ? morph(there[place], kid) : node.append(kid)));
  there.slice(kids.length).forEach((kid) => kid.remove());
}

export const $ = (selector, at = document) => at.querySelector(selector);

const amounts = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
/** A quantity as text, with a real minus sign. */
export const n = (amount) => (amount == null ? "–" : amounts.format(amount).replace("-", "−"));
export const signed = (amount) => (amount > 0 ? "+" : "") + n(amount);
/** The sum of quantities, exact: in hundredths. */
export const sum = (many) => many.reduce((total, one) => total + Math.round(one * 100), 0) / 100;

export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3_600)} h` : `${Math.floor(s / 86_400)} d`;
}
export const since = (moment) => ago(Date.now() - Date.parse(moment));
/** A duration in the largest units that tell it, such as "1 h" or "2 min 5 s". */
export function lasting(ms) {
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]];
  const first = units.findIndex(([, length]) => ms >= length);
  if (first < 0) return `${n(ms)} ms`;
  const [word, length] = units[first];
  const [next, smaller] = units[first + 1] ?? ["", 0];
  const rest = smaller ? Math.floor((ms % length) / smaller) : 0;
  return `${n(Math.floor(ms / length))} ${word}${rest ? ` ${n(rest)} ${next}` : ""}`;
}
/** A day as people write it, such as "3 Dec". */
export const dayOf = (date) => new Date(`${date}T00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC", ...(date.slice(0, 4) === new Date().toISOString().slice(0, 4) ? {} : { year: "numeric" }) });
export const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
export const count = (many, word) => `${n(many)} ${word}${many === 1 ? "" : "s"}`;

export const tag = (kind, text, sign) =>
  h(`span.tag.${kind}`, {}, sign ? h("span", { "aria-hidden": "true" }, sign) : null, text);

/** A part of a page with a heading; `more` stands beside it. */
export const panel = (id, title, note, more, ...body) =>
  h("section.panel", { "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), note ? h("span.muted", {}, note) : null, more ? h("div.right", {}, more) : null),
    ...body);

/** A table. One without a kind becomes a stack of cards where the page is narrow: there each cell shows its head. */
export function table(kind, heads, rows, label) {
  const words = heads.map((head) => (typeof head === "string" ? head : head.dataset.head ?? (head.querySelector(".skip") ? null : head.textContent)));
  for (const row of rows) [...row.children].forEach((cell, place) => { if (words[place] && cell.colSpan === 1) cell.setAttribute("data-head", words[place]); });
  return h("div.scroll", { tabindex: "0", role: "group", "aria-label": label },
    h(`table${kind || ".cards"}`, {},
      h("thead", {}, h("tr", {}, heads.map((head) => (typeof head === "string" ? h("th", { scope: "col" }, head) : head)))),
      h("tbody", {}, rows)));
}
export const num = (text) => h("th.num", { scope: "col" }, text);
/** A word that says what it means when it is pointed at or has the focus (see gloss.js). */
export const gloss = (word, says, reached = true) => h("span.gloss", { tabindex: reached ? "0" : null, "data-says": says, "aria-describedby": reached ? "tip" : null }, word);
export const drawn = () => h("th", {}, h("span.skip", {}, "drawn"));

/** A command to be run elsewhere: shown, and copied on request. The console runs none. */
export function command(text) {
  return h("div.cmd", {}, h("code", {}, text), h("button", { type: "button", "aria-label": `Copy: ${text}`, onclick: copy }, "copy"));
}
async function copy({ currentTarget: button }) {
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(code);
  }
}
/** A word for a shell. */
export const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
