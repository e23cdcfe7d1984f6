// Now: does all of it answer, what is at risk, what is being committed, who has which partition, what was refused.
import { follow, get, optional, path, seldom } from "./api.js";
import { $, ago, clock, command, count, h, n, num, panel, quoted, since, sum, table, tag } from "./dom.js";
import { byReason } from "./letters.js";
import { href, turn } from "./place.js";
import { detailWords } from "./refusals.js";
import { EVENT_FILTERS, eventTag, eventWords, meter, meterLegend, RISKS, riskTags } from "./words.js";
import { map, progress, remember } from "./workers.js";

const KEPT = 60;
const HELD_MS = 30_000;
export const now = {
  async load({ here, memory }, signal) {
    const risk = here.about.risk ?? "any";
    const [totals, risky, workers, letters] = await Promise.all([
      get(path("totals", here.tenant), {}, signal),
      get(path("items", here.tenant), { risk, limit: here.about.limit ?? 15 }, signal),
      optional(get("workers", {}, signal)),
      seldom(memory, "letters", 15_000, () => get("dead-letters", { last: 100 })),
    ]);
    if (!workers.trouble) remember(memory, workers);
    return { totals, risky, workers, letters };
  },

  watch(state, signal) {
    const feed = (state.memory.feed ??= { events: [], lost: 0, paused: false, open: false, why: "" });
    follow(path("events", state.here.tenant), {
      event(one) { if (!feed.paused) { feed.events = [{ ...one, key: one.eventId }, ...feed.events].slice(0, KEPT); later(state, feed); } },
      lost(many) { feed.lost = many === null || feed.lost === null ? null : feed.lost + many; later(state, feed); },
      open(is, why = "") { Object.assign(feed, { open: is, why, was: feed.was || is }); later(state, feed); },
    }, signal);
  },

  show({ totals, risky, workers, letters }, state) {
    return [
      h("h1.skip", {}, "Now"),
      verdict(totals, workers),
      sums(totals),
      h("div.two", {},
        h("div.stack", {}, atRisk(risky, totals, state),
          workers.trouble ? null : panel("map", "Partitions and workers", "of the item log", h("a", { href: href("workers") }, "More"), map(workers, state.memory))),
        h("div.stack", {}, live(state), refused(letters, state.memory))),
    ];
  },
};

function later(state, feed) { // many events come at once: one drawing for all of them
  if (feed.drawing) return;
  feed.drawing = true;
  setTimeout(() => { feed.drawing = false; if (state.data) state.redraw(); }, 250);
}

function verdict(totals, workers) {
  const { answered, missing } = totals.partitions;
  const all = answered.length + missing.length;
  const away = workers.trouble ? [] : workers.workers.filter((one) => one.state !== "serving");
  const behind = workers.trouble ? 0 : workers.workers.flatMap((one) => one.partitions).reduce((most, one) => Math.max(most, one.behind ?? 0), 0);
  const well = !missing.length && !away.length;
  const words = missing.length
    ? `${answered.length} of ${all} partitions answer: nobody speaks for ${missing.join(", ")} now.`
    : away.length
      ? `All ${all} partitions answer, but ${away.map((one) => `${short(one.url)} is ${one.state}`).join(", ")}.`
      : `All ${all} partitions answer.`;
  return h(`section.verdict${well ? "" : ".warn"}`, { role: "status", "aria-live": "polite", id: "verdict" },
    well ? tag("good", "serving", "✓") : tag("bad", missing.length ? "not all answer" : "a worker is away", "!"),
    h("b", {}, words),
    workers.trouble ? null : h("span.facts", {}, h("span", {}, count(workers.workers.length, "worker")), ...progress(workers), h("span", {}, behind ? `${n(behind)} behind` : "nothing behind")));
}
const short = (url) => url.replace(/^https?:\/\//, "");

function sums(totals) {
  const { risks } = totals;
  const one = (value, words, bad = "") => h(`div.kpi${value ? bad : ""}`, {}, h("b", {}, n(value)), h("span", {}, words));
  return h("section", { "aria-label": "Totals" },
    h("div.kpis", {}, one(totals.items, "items"), one(totals.on_hand, "units on hand"), one(totals.reserved, "units reserved"),
      one(risks.short.quantity, `units short, ${count(risks.short.items, "item")}`, ".bad"),
      one(sum([risks.waiting.quantity, -totals.waiting_later]), `units waiting${totals.waiting_later ? `, ${n(totals.waiting_later)} more for later days` : ""}, ${count(risks.waiting.items, "item")}`, ".warn"),
      one(risks.sold_out.items, "items with nothing available", ".warn"), one(risks.gap.items, "items with a gap", ".warn"),
      one(risks.quarantine.items, "items quarantined", ".bad")),
    totals.complete ? null : h("p.muted.note", { role: "status" }, "Not all items are counted yet: these sums still grow."));
}

/** The items at risk; while somebody points at the list or goes through it, nothing moves for a while: what is new comes last. */
function held(items, memory) {
  const list = $("[aria-labelledby=risk] .scroll");
  const still = list?.matches(":hover, :focus-within");
  if (!still || Date.now() - memory.heldAt > HELD_MS) {
    memory.heldAt = Date.now();
    return (memory.risky = items);
  }
  const fresh = new Map(items.map((one) => [one.item, one]));
  const kept = (memory.risky ?? []).map((one) => fresh.get(one.item) ?? { ...one, gone: true });
  const known = new Set(kept.map((one) => one.item));
  return (memory.risky = [...kept, ...items.filter((one) => !known.has(one.item))]);
}

function atRisk(risky, totals, { here, memory }) {
  const risk = here.about.risk ?? "any";
  if (memory.risk !== risk) Object.assign(memory, { risk, risky: [] });
  const items = held(risky.items, memory);
  const channels = [...new Set(items.flatMap((one) => one.channels.map((channel) => channel.channel)))].sort().slice(0, 6);
  const rows = items.map((one) => h("tr.pick", {},
    h("td", {}, h("a", { href: href("item", one.item) }, one.item)), h("td.wide.bare", {}, h("div.tags", {}, one.gone ? tag("plain", "not in this list any more") : riskTags(one))),
    h("td.num", {}, one.gone ? "–" : n(one.on_hand)), h("td.num", {}, one.gone ? "–" : n(one.reserved)), h("td.wide.bare", {}, one.gone ? null : meter(one)),
    channels.map((name) => {
      const channel = one.gone ? null : one.channels.find((each) => each.channel === name);
      return h(`td.num${channel && channel.available <= 0 ? ".zero" : ""}`, {}, channel ? n(channel.available) : "–");
    }),
    h("td.num.muted", {}, since(one.as_of))));
  const left = risky.found - risky.items.length;
  const choice = Object.entries(RISKS).map(([each, words]) => h("button", { type: "button", "aria-pressed": String(each === risk), onclick: () => turn({ risk: each === "any" ? "" : each }) }, words));
  return panel("risk", "At risk", `${n(risky.found)} of ${count(totals.items, "item")}, the gravest first${risky.complete ? "" : "; not all looked at yet"}`, meterLegend(),
    h("div.body.tabs", { role: "group", "aria-label": "Which risk" }, choice),
    rows.length ? table("", ["Item", "Why", num("On hand"), num("Reserved"), "Where it is", channels.map(num), num("Changed")].flat(), rows, "Items at risk")
      : h("div.body", {}, h("p", {}, risky.complete ? "Nothing is at risk." : "Nothing was found so far.")),
    h("div.body", {}, h("p.muted", {}, left > 0 ? [`${n(left)} more. `, h("a", { href: `${href("items")}?${new URLSearchParams({ risk })}` }, risk === "any" ? "All that are at risk" : `All: ${RISKS[risk]}`), " · "] : null,
      `looked for ${ago(risky.age_s * 1000)} ago, each as it is now; the same as JSON: `, h("code", {}, `GET /items/${here.tenant}?risk=${risk}`))));
}

function live(state) {
  const feed = state.memory.feed ?? { events: [] };
  const wanted = feed.filter ?? "";
  const still = $("ol.feed")?.matches(":hover, :focus-within") && feed.shown?.filter === wanted; // nothing moves under the pointer
  const shown = still ? feed.shown.events : feed.events.filter((one) => !wanted || one.eventType === wanted);
  feed.shown = { filter: wanted, events: shown };
  const pause = h("button", { type: "button", "aria-pressed": String(Boolean(feed.paused)), onclick: () => { feed.paused = !feed.paused; state.redraw(); } }, "Pause");
  const filters = Object.entries(EVENT_FILTERS).map(([type, words]) => h("button", { type: "button", "aria-pressed": String(wanted === type), onclick: () => { feed.filter = type; state.redraw(); } }, words));
  const gone = feed.lost === null ? "Some events are not here: another worker's stream was lost." : feed.lost ? `${n(feed.lost)} events are not here: there were more than a page is given.` : "";
  return panel("live", "As it is committed", still ? "held still while you point at it" : feed.open ? "at most 50 a second from each worker" : "", pause,
    h("div.body.tabs", { role: "group", "aria-label": "Which events" }, filters),
    feed.open ? null : h("p.body.lost", { role: "status", id: "stream" }, feed.was ? `The stream was lost: ${feed.why}. Asking again.` : feed.why ? `There is no stream: ${feed.why}. Asking again.` : "Opening the stream."),
    gone ? h("p.body.lost", { role: "status", id: "lost" }, gone) : null,
    h("ol.feed", { tabindex: "0", "aria-label": "Events, the newest first" }, shown.length
      ? shown.map((one) => h("li", {}, h("time", {}, clock(one.timestamp)), h("span.what", {}, eventTag(one)), h("span", {}, eventWords(one))))
      : h("li.none", {}, h("span.muted", {}, "Nothing since this page was opened."))));
}

function refused(letters, memory) {
  if (letters.trouble) return letters.trouble.status === 403 ? null : panel("refused", "Dead letters", "", null, h("div.body", {}, h("p.muted", {}, `${letters.trouble.message}.`)));
  const rows = byReason(letters.letters, memory).map(([reason, many]) => h("tr.pick", {}, h("td", {}, h("code", {}, reason), h("span.hint", {}, detailWords(many[0]))), h("td.num", {}, n(many.length)), h("td.num.muted", {}, since(many[0].at))));
  const [first] = letters.letters;
  return panel("refused", "Dead letters", `the newest ${letters.letters.length === 100 ? "100" : ""}`.trim(), h("a", { href: href("letters") }, "All"),
    rows.length ? table("", ["Reason", num("Letters"), num("Newest")], rows, "Dead letters by reason") : h("div.body", {}, h("p", {}, "Nothing was refused.")),
    first ? h("div.body", {}, h("p.muted", {}, "When what was wrong is mended:"), command(`atp dead-letters replay --reason ${quoted(first.reason)}`)) : null);
}
