// The frame, the way from an address to a page, and how long what is shown has been true.
import { get, path, signIn, Trouble } from "./api.js";
import { $, ago, fill, h, tag } from "./dom.js";
import { hrefOf, place } from "./place.js";
import { explainWords } from "./gloss.js";
import { now } from "./now.js";
import { item } from "./item.js";
import { items } from "./items.js";
import { reservation } from "./reservation.js";
import { letters } from "./letters.js";
import { policy } from "./policy.js";
import { rehearse } from "./rehearse.js";
import { workers } from "./workers.js";

// Each page loads what it shows (`load`), and makes nodes of it (`show`); `watch`, if it has one, follows a stream.
const PAGES = { now, items, item, reservation, letters, policy, rehearse, workers };
const TABS = [["now", "Now"], ["items", "Items"], ["letters", "Dead letters"], ["policy", "Policy"], ["rehearse", "Rehearse"], ["workers", "Workers"]];
const EVERY_MS = 2_000;
let caller = null;
let showing = null; // what is on the screen: its page, what was loaded and when, what went wrong since
let serial = 0;
let searches = 0; // only the last one leads anywhere

function frame() {
  const here = place();
  const tab = { item: "items", reservation: "items" }[here.page] ?? here.page;
  const many = caller && !caller.tenants.includes("*");
  const choice = many
    ? h("select", { "aria-label": "Tenant", onchange: (event) => move(event.target.value) },
      caller.tenants.map((name) => h("option", { selected: name === here.tenant }, name)))
    : h("input.tenant", { "aria-label": "Tenant", value: here.tenant, size: "9", spellcheck: "false", onchange: (event) => move(event.target.value.trim()) });
  fill($("#top"), [
    h("a.brand", { href: hrefOf(here.tenant, "now") }, "atp", h("span", {}, "_stream")),
    h("nav.main", { "aria-label": "Pages" }, TABS.map(([page, text]) =>
      h("a", { href: hrefOf(here.tenant, page), "aria-current": page === tab ? "page" : null }, text))),
    h("form.find", { role: "search", onsubmit: find },
      h("input", { id: "find", type: "search", "aria-label": "Find an item by name, an order by its reference, or a reservation by its id", placeholder: "Item, reference or reservation", list: "known", autocomplete: "off", spellcheck: "false", oninput: suggest }),
      h("kbd", { "aria-hidden": "true" }, "/"), h("datalist", { id: "known" })),
    h("div.right", {}, h("label", {}, h("span.muted", {}, "tenant "), choice),
      h("button.quiet", { type: "button", "aria-label": "Light or dark", title: "Light or dark", onclick: flip }, "◐"))]);
}
const move = (tenant) => { if (tenant) location.hash = hrefOf(tenant, "now"); };

function flip() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

async function suggest(event) {
  const prefix = event.target.value.trim();
  if (!prefix) return;
  const found = await get(`items/${encodeURIComponent(place().tenant)}`, { prefix, limit: 8 }).catch(() => ({ items: [] }));
  fill($("#known"), found.items.map((one) => h("option", { value: one.item })));
}

async function find(event) {
  event.preventDefault();
  const wanted = $("#find").value.trim();
  const { tenant } = place();
  if (!wanted) return;
  $("#find").value = ""; // at once: what is typed while it searches stays
  const mine = ++searches;
  const found = await get(`reservations/${encodeURIComponent(tenant)}`, { reference: wanted, limit: 1 }).catch(() => ({ reservations: [] }));
  const [one] = found.reservations;
  const there = one ? hrefOf(tenant, "reservation", one.item, one.reservation) : await itemOrReservation(tenant, wanted);
  if (mine === searches) location.hash = there;
}

/** The address of the item of this name, else of the first reservation with this id, else that of the unknown item. */
async function itemOrReservation(tenant, wanted) {
  const there = hrefOf(tenant, "item", wanted);
  const known = await get(path("atp", tenant, wanted)).catch((error) => error);
  if (known.status !== 404) return there;
  const { reservations: [first], complete } = await get(path("find", tenant), { reservation: wanted }).catch(() => ({ reservations: [], complete: false }));
  return first ? hrefOf(tenant, "reservation", first.item, first.reservation) : complete ? there : `${there}?looked=partly`;
}

/** Show the page of the present address, and keep it true until there is another one. */
async function open() {
  const mine = ++serial;
  const here = place();
  if (showing) showing.ended.abort();
  if (!here.tenant) {
    const tenant = caller?.default_tenant ?? caller?.tenants.find((name) => name !== "*");
    if (tenant) { location.replace(hrefOf(tenant, here.page)); return; }
  }
  frame();
  const page = PAGES[here.page] ?? PAGES.now;
  const ended = new AbortController();
  const again = showing?.page === page && showing.key === JSON.stringify([here.tenant, here.names]);
  showing = { page, key: JSON.stringify([here.tenant, here.names]), here, ended, data: again ? showing.data : null, at: again ? showing.at : 0, trouble: null, memory: again ? showing.memory : {} };
  const mineNow = showing;
  mineNow.redraw = () => { if (serial === mine) draw(); };
  if (!again) { fill($("#main"), [h("p.muted", { role: "status" }, "Loading …")]); document.title = `${here.names.at(-1) ?? (TABS.find(([name]) => name === here.page) ?? ["", "Now"])[1]} · atp_stream`; }
  else draw();
  if (!here.tenant) { fill($("#main"), [h("h1", {}, "Which tenant?"), h("p", {}, "Name it at the top right; ", h("code", {}, "ATP_DEFAULT_TENANT"), " is not set.")]); return; }
  if (page.watch) page.watch(mineNow, ended.signal);
  while (serial === mine) {
    if (!document.hidden) await load(mineNow, mine);
    if (!page.every && page.every !== undefined) return;
    await pause(mineNow.trouble ? 1_000 : page.every ?? EVERY_MS, ended.signal);
  }
}
/** Wait, but not for longer than the page is shown; nothing is left behind. */
const pause = (ms, signal) => new Promise((done) => {
  const end = () => { clearTimeout(timer); signal.removeEventListener("abort", end); done(); };
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end); // where that has happened already, as for a page that is hidden, time alone ends it
});

async function load(mine, number) {
  try {
    const data = await mine.page.load(mine, mine.ended.signal);
    if (serial !== number) return;
    Object.assign(mine, { data, at: Date.now(), trouble: null });
  } catch (error) {
    if (serial !== number || error.name === "AbortError") return;
    if (!(error instanceof Trouble)) throw error;
    if (error.status === 401) { askForToken(error.message); mine.trouble = error; return; }
    mine.trouble = error;
    if (!error.passes) mine.data = null;
  }
  draw();
}

function draw() {
  if (!showing) return;
  const { data, trouble, at, page } = showing;
  const parts = [];
  if (trouble && trouble.status !== 401) {
    const words = data ? `These numbers are ${ago(Date.now() - at)} old: ${trouble.message}. Asking again.` : trouble.status === 404 ? `${trouble.message}.` : trouble.passes ? `Nothing can be shown now: ${trouble.message}. Asking again.` : `${trouble.message}.`;
    parts.push(h("section.verdict.warn", { role: "alert" }, tag(data ? "warn" : "bad", data ? "old" : trouble.status === 404 ? "unknown" : "no answer", "!"), h("b", {}, words)));
  }
  const shown = data ? page.show(data, showing) : !trouble || trouble.status !== 404 ? [] : page.unknown?.(showing) ?? [];
  const box = h(`div.stack.shown${data && trouble ? ".old" : ""}`, {}, shown);
  fill($("#main"), [...parts, box]);
}

function askForToken(why) {
  serial += 1; // nothing else is asked for meanwhile
  const asked = Boolean($("#token"));
  const enter = (event) => { event.preventDefault(); signIn($("#token").value); begin(); };
  fill($("#main"), [h("section.panel.signin", { "aria-labelledby": "signin" }, h("header", {}, h("h1", { id: "signin" }, "Sign in")),
    h("form.body", { onsubmit: enter }, h("p", {}, "This worker wants to know who asks: ", why, "."),
      h("label", {}, h("span", {}, "Bearer token "), h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false" })),
      h("p.muted", {}, "It is kept in the memory of this page only, until it is closed or loaded again."),
      h("button", { type: "submit" }, "Sign in")))]);
  if (!asked) $("#token").focus();
}

async function begin() {
  try {
    caller = await get("caller");
  } catch (error) {
    if (error.status === 401) { frame(); askForToken(error.message); return; }
    if (!(error instanceof Trouble)) throw error;
    if (error.passes) { fill($("#main"), [h("p", { role: "alert" }, `${error.message}. Asking again.`)]); setTimeout(begin, 1_000); return; }
  }
  open();
}

addEventListener("hashchange", open);
document.addEventListener("visibilitychange", () => { if (!document.hidden) open(); else showing?.ended.abort(); });
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); $("#find").focus(); }
});
setInterval(() => { if (showing?.data && showing.trouble) draw(); }, 1_000); // ages go on
explainWords();
begin();
