// Item: why its numbers are what they are, who waits, what is promised, and what its stock follows from.
import { get, path, seldom, Trouble } from "./api.js";
import { ago, command, count, dayOf, drawn, gloss, h, n, num, panel, quoted, signed, since, sum, table, tag } from "./dom.js";
import { href, turn } from "./place.js";
import { KINDS, MEANINGS, statusTag, termOf, waitTags } from "./words.js";

const LEVELS = [["item_channel", "item and channel"], ["item", "item"], ["channel", "channel"], ["tenant", "tenant"]];
const DAYS = 14;
const FEW = matchMedia("(max-width: 640px)").matches ? 3 : 5;
const MANY = 100;

export const item = {
  async load({ here, memory }, signal) {
    const [name] = here.names;
    const view = path("atp", here.tenant, name, "explain");
    const [explained, more, workers] = await Promise.all([get(view, { limit: 100 }, signal), here.about.promises ? get(view, { limit: 100, after: here.about.promises }, signal) : null,
      seldom(memory, "workers", 10_000, () => get("workers"))]);
    if (memory.version !== explained.version || memory.whole !== here.about.queue || Date.now() - (memory.at ?? 0) > 10_000) {
      const [stated, queue, rules] = await Promise.all([
        get(path("atp", here.tenant, name), {}, signal),
        get(path("atp", here.tenant, name, "queue"), { limit: here.about.queue ? MANY : FEW }, signal),
        get(path("policy", here.tenant, name), {}, signal)]);
      Object.assign(memory, { version: explained.version, whole: here.about.queue, at: Date.now(), view: stated, queue, rules });
    }
    const channel = picked(explained, here);
    const curve = await get(path("atp", here.tenant, name, "projection"), { channel: channel?.channel, days: DAYS }, signal)
      .catch((error) => { if (error instanceof Trouble) return null; throw error; });
    return { explained, promised: more ?? explained, workers, curve, view: memory.view, queue: memory.queue, rules: memory.rules };
  },

  show({ explained, promised, workers, curve, view, queue, rules }, { here }) {
    const [name] = here.names;
    const channel = picked(explained, here);
    return [
      h("section", {}, h("h1", {}, name, " ", h("span.muted", {}, here.tenant)),
        h("p.muted.cause", {}, gloss("version", MEANINGS.version), ` ${explained.version} · changed ${since(explained.cause.at)} ago by `, h("code", {}, explained.cause.input ?? "an operator, or time"), ", as ", h("code", {}, explained.cause.log), " · ", owner(explained, workers)),
        h("div.tags", {}, tags(explained, view))),
      equation(explained),
      channel ? h("div.two", {},
        h("div.stack", {}, waterfall(explained, channel, here), waits(queue, here)),
        h("div.stack", {}, channels(explained, channel), rule(rules, channel, here))) : h("p", {}, "It has no channel yet."),
      h("div.half", {}, promises(promised, here), stock(explained, view)),
      channel && curve && hasDates(curve) ? byDay(curve, channel) : null,
    ];
  },

  unknown: ({ here }) => [h("h1", {}, here.names[0] ?? ""), here.about.looked ? h("p", {}, h("b", {}, "Not all items were looked through, or not all workers answered: a reservation may be there nevertheless.")) : null, h("p", {}, "No item has this name, and no order or reservation was found by it; what was refused is among the ", h("a", { href: href("letters") }, "dead letters"), ". ", h("a", { href: `${href("items")}?${new URLSearchParams({ prefix: (here.names[0] ?? "").slice(0, 3) })}` }, "Items that begin like it"), "."),
    h("p.muted", {}, "The search finds items by their names, orders by their references, and reservations by their ids: these are kept with their items, so it looks through some ten thousand items and no more.")],
};

const picked = (explained, here) => explained.channels.find((one) => one.channel === here.about.channel) ?? explained.channels.find((one) => one.waiting > one.waiting_later) ?? explained.channels.find((one) => one.waiting > 0) ?? explained.channels.find((one) => one.channel === "ECOM") ?? explained.channels[0];
const pick = (channel) => turn({ channel });
const reservedOf = (explained) => sum(explained.channels.map((one) => one.reserved));

function tags(explained, view) {
  return [
    explained.quarantine ? tag("bad", `quarantined: ${explained.quarantine}`, "⛔") : null,
    view.short > 0 ? tag("bad", `short ${n(view.short)}`, "▼") : null,
    explained.channels.map((one) => waitTags([one])),
    view.gap ? tag("warn", `gap ${signed(view.gap)}`, "≠") : null,
  ];
}

/** The partition of an item and, to those who may see workers, its owner. */
function owner(explained, { workers }) {
  const partition = Number(explained.cause.log.split("/").at(-2));
  const has = workers?.find((one) => one.partitions.some((each) => each.partition === partition));
  return [`partition ${partition}`, has ? [", owned by ", h("a", { href: href("workers") }, has.url.replace(/^https?:\/\//, ""))] : null];
}

const SHARED = ["on_hand", "safety_stock", "reserved"];
const BESIDE = { kept_for_later: "kept for later days", never_below_zero: "lacking; free is never below 0", less_than_step: "less than one step" };

/** The sum that all channels share: every term that is not 0 has its box, so that it always adds up. */
function equation(explained) {
  const others = explained.free.terms.filter((term) => !SHARED.includes(term.what) && term.quantity);
  const cell = (amount, words, kind = "") => h(`div${kind}`, {}, h("b", {}, n(amount)), h("span", {}, words));
  const op = (sign) => h("div.op", {}, sign);
  const places = explained.on_hand.places.filter((one) => one.quantity || one.instants.length).length;
  return h("section.equation", { "aria-label": "The sum that all channels share" },
    cell(explained.on_hand.quantity, places > 1 ? `on hand, ${count(places, "location")}` : "on hand"), op("−"), cell(explained.safety_stock.quantity, "safety stock"), op("−"),
    cell(reservedOf(explained), "reserved"), others.map((term) => [op(term.quantity < 0 ? "−" : "+"), cell(Math.abs(term.quantity), BESIDE[term.what] ?? termOf(term.what)[0].toLowerCase())]),
    op("="), cell(explained.free.quantity, "free", ".free"),
    explained.free.quantity === explained.pool ? null : [op("−"), cell(sum([explained.free.quantity, -explained.pool]), "earmarked for quotas"), op("="), cell(explained.pool, "common pool")]);
}

function waterfall(explained, channel, here) {
  let run = 0;
  const rows = channel.terms.filter((term, place) => place < 3 || term.quantity).map((term) => {
    const before = run;
    run = sum([run, term.quantity]);
    return { ...term, before, after: run };
  });
  const low = Math.min(0, ...rows.map((row) => row.after));
  const span = Math.max(1, ...rows.map((row) => row.after)) - low;
  const percent = (amount) => `${(100 * amount) / span}%`;
  const zero = () => h("b", { css: { "--zero": percent(-low) } });
  const lane = (row) => h("div.lane", { "aria-hidden": "true" },
    h(`i.${row.what === "on_hand" ? "total" : row.quantity < 0 ? "minus" : "plus"}`, { css: { "--from": percent(Math.min(row.before, row.after) - low), "--w": percent(Math.abs(row.quantity)) } }),
    zero(), h("u", { css: { "--at": percent(row.after - low) } }));
  const shown = rows.map((row) => h("tr", { "data-term": row.what },
    h("td", {}, termOf(row.what)[0], h("small", {}, termOf(row.what)[1])),
    h("td.num", {}, row.what === "on_hand" ? n(row.quantity) : row.quantity ? signed(row.quantity) : "0"),
    h("td.num.muted", {}, n(row.after)), h("td.bar", {}, lane(row))));
  const total = h("tr.sum", {}, h("td", {}, `Available in ${channel.channel}`), h("td.num", { id: "available" }, n(channel.available)), h("td.num", {}),
    h("td.bar", {}, h("div.lane", { "aria-hidden": "true" }, zero(), channel.available > 0 ? h("i.total", { css: { "--from": percent(-low), "--w": percent(channel.available) } }) : null)));
  const choice = h("div.tabs", { role: "group", "aria-label": "Channel" }, explained.channels.map((one) =>
    h("button", { type: "button", "aria-pressed": String(one === channel), onclick: () => pick(one.channel) }, one.channel)));
  return panel("why", `Why ${n(channel.available)} in ${channel.channel}`, "", choice,
    table(".fall", ["Term", num("Units"), h("th.num", { scope: "col", "data-head": "Leaves" }, gloss("Leaves", MEANINGS.leaves)), h("th.bar", {}, h("span.skip", {}, "drawn"))], [...shown, total], "The sum of this channel"),
    channel.closed_by ? h("div.body", {}, h("p", {}, "Closed by ", h("a", { href: href("reservation", explained.item, channel.closed_by.reservation) }, channel.closed_by.reservation), `, which waits for ${n(channel.closed_by.waiting)}.`)) : null,
    h("div.body", {}, command(`atp explain ${quoted(explained.item)} ${quoted(channel.channel)} --tenant ${quoted(here.tenant)}`)));
}

function waits(queue, here) {
  const later = queue.channels.flatMap((channel) => channel.later.map((part) => ({ ...part, channel: channel.channel })));
  const parts = queue.channels.flatMap((channel) => channel.parts.map((part) => ({ ...part, channel: channel.channel })));
  const more = queue.channels.some((channel) => channel.more || channel.later_more);
  const rows = parts.map((part) => h("tr.pick", {}, h("td", {}, h("a", { href: href("reservation", queue.item, part.reservation) }, part.reservation)), h("td", {}, part.channel), h("td.num", {}, n(part.place)),
    h("td.num", {}, n(part.waiting)), h("td.num", {}, n(part.ahead)), h("td.num", {}, part.missing === null ? "not known" : [part.exact ? null : h("span.muted", {}, "at least "), h("b", {}, n(part.missing))]), h("td.num", {}, n(part.priority))));
  const other = here.about.queue ? h("button", { type: "button", onclick: () => turn({ queue: "" }) }, "Show fewer") : more ? h("button", { type: "button", onclick: () => turn({ queue: "long" }) }, "Show more") : null;
  const undated = later.map((part) => h("tr.pick", {}, h("td", {}, h("a", { href: href("reservation", queue.item, part.reservation) }, part.reservation)), h("td", {}, part.channel), h("td.num", {}, n(part.waiting)),
    h("td", {}, part.wanted ? `wanted from ${dayOf(part.wanted)}` : "wanted later", "; closes no channel yet")));
  return panel("queue", "Who waits", rows.length ? "by channel, in the order of service: priority, then the order of the log" : later.length ? "nobody now" : "nobody", other,
    rows.length ? table("", ["Reservation", "Channel", num("Place"), num("Waits for"), num("Units ahead"), num("Missing"), num("Priority")], rows, "Who waits") : null,
    rows.length ? h("div.body", {}, h("p.muted", {}, "“Missing” is how many units must come or be freed, beyond what is expected on a day, before this one is served whole: for who is before it, for what the item is short by, and for itself.",
      parts.some((part) => !part.exact) ? " “At least”: others may be served first in their channels, or safety stock or days may change it. “Not known”: the channel’s rule gives it no even part of what comes." : "")) : null,
    undated.length ? [h("div.body", {}, h("h3", {}, "For a later day")), table("", ["Reservation", "Channel", num("Waits for"), "When"], undated, "Who waits for a later day")] : null,
    more && here.about.queue ? h("div.body", {}, h("p.muted", {}, `Only the first ${MANY} of a channel are shown.`)) : null);
}

function channels(explained, channel) {
  const most = Math.max(explained.on_hand.quantity, 1, ...explained.channels.map((one) => one.available + one.reserved));
  const width = (amount) => ({ "--w": `${(100 * amount) / most}%` });
  const rows = explained.channels.map((one) => h("tr.pick", { "aria-selected": String(one === channel), "data-channel": one.channel },
    h("td", {}, h("button.link", { type: "button", onclick: () => pick(one.channel) }, one.channel),
      h("span.hint", {}, gloss(one.kind, KINDS[one.kind] ?? "", false), one.granted ? `, ${n(sum([one.granted, -one.consumed]))} of ${n(one.granted)} left` : null)),
    h("td.num", {}, h("b", {}, n(one.available))), h("td.num", {}, n(one.reserved)), h("td.num", {}, waiting(one)),
    h("td.wide.bare", {}, h("div.meter", { "aria-hidden": "true" }, h("i.r", { css: width(one.reserved) }), h("i.f", { css: width(one.available) })))));
  return panel("channels", "Channels", "", h("span.legend", {}, h("span", {}, h("i.r"), "reserved here"), h("span", {}, h("i.f"), "available")),
    table("", ["Channel", num("Available"), num("Reserved"), num("Waiting"), drawn()], rows, "Channels"));
}

const waiting = (one) => [one.waiting > one.waiting_later || !one.waiting ? waitsNow(sum([one.waiting, -one.waiting_later])) : null, one.waiting_later ? h("span.hint", {}, `${n(one.waiting_later)} later`) : null];
const waitsNow = (units) => (units ? tag("warn", n(units), "◔") : "0");

function rule(rules, channel, here) {
  const named = rules.channels.find((one) => one.channel === channel.channel);
  const one = named ?? rules.other_channels;
  const pairs = [["kind", gloss(channel.kind, KINDS[channel.kind] ?? "")]];
  if (one?.weight) pairs.push(["weight", `${n(100 * one.weight)} % of the common pool`]);
  if (one?.rank) pairs.push(["rank, min", `${one.rank}, ${n(one.min)}`], ["overflow", one.overflow ? "yes: it may take from the pool, too" : "no"], ["granted", `${n(channel.granted)}, ${n(channel.consumed)} of it consumed`]);
  pairs.push([gloss("buffer", MEANINGS.buffer), n(one?.buffer ?? 0)], [gloss("floor", MEANINGS.floor), n(one?.floor ?? 0)], ["safety stock", `${n(rules.safety_stock.fixed)} or ${n(rules.safety_stock.percent)} %`], [gloss("step", MEANINGS.step), n(rules.step)],
    ["time limit", rules.time_limit ? `${ago(rules.time_limit * 1000)} without a confirmation` : "none"], ["on shortage", rules.shortage === "keep" ? "promises stand" : "promises are taken back"]);
  return panel("rule", `The rule of ${channel.channel}`, "", null,
    h("div.body", {}, one ? h("ol.levels", { "aria-label": "Where a rule may be written, the most special first" }, LEVELS.map(([level, words]) =>
      h(`li${one.written === level ? ".wins" : ""}`, { "aria-current": one.written === level ? "true" : null }, words, one.written === level ? " ✓" : ""))) : null,
    h("p.muted", {}, !one ? "Policy has no such channel any more." : one.written === "default" ? "Nothing is written for it at any level: it may promise all that is free." : "One rule counts, alone: the most special that is written. Nothing of the others is added.", rules.own ? " This item has rules of its own." : ""),
    h("dl.facts", {}, pairs.map(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    h("p", {}, command(`atp policy show --item ${quoted(here.names[0])} --tenant ${quoted(here.tenant)}`))));
}

function promises(explained, here) {
  const turns = [here.about.promises ? ["", "First page"] : null, explained.next ? [explained.next, "Next page"] : null].filter(Boolean);
  const open = explained.reservations.filter((one) => one.reserved > 0);
  const rows = open.map((one) => h("tr.pick", {}, h("td", {}, h("a", { href: href("reservation", explained.item, one.reservation) }, one.reservation)), h("td", {}, one.channel), h("td", {}, statusTag(one.status)),
    h("td.num", {}, n(one.reserved), one.fenced ? h("span.muted", {}, ` (${n(one.fenced)} earmarked)`) : null),
    h("td.num", {}, one.expires_at ? ends(one.expires_at) : "never")));
  return panel("open", "Open promises", here.about.promises ? "by id, a further page" : explained.next ? `by id, the first ${open.length}` : n(open.length), null,
    rows.length ? table("", ["Reservation", "Channel", "State", num("Units"), num("Ends")], rows, "Open promises") : h("div.body", {}, h("p", {}, turns.length ? "Nothing on this page." : "Nothing is promised.")),
    turns.length ? h("div.body.tabs.turns", {}, turns.map(([after, words]) => h("button", { type: "button", onclick: () => turn({ promises: after }) }, words))) : null);
}
const ends = (moment) => { const left = Date.parse(moment) - Date.now(); return left > 0 ? `in ${ago(left)}` : "as soon as all input is read"; };

function stock(explained, view) {
  const rows = explained.on_hand.places.filter((one) => one.quantity || one.instants.length).map((one) => h("tr", {},
    h("td", {}, one.location ?? h("span.muted", {}, "no location")), h("td.num", {}, h("b", {}, n(one.quantity))),
    h("td.wide", {}, one.absolute ? [`counted ${n(one.absolute.quantity)} `, h("span.muted", {}, `${since(one.absolute.at)} ago`), one.since ? `, ${signed(one.since)} since` : ""] : one.since ? `${signed(one.since)}, never counted` : "",
      one.missing ? h("span.hint", {}, `${n(one.missing)} shipped, in no count yet`) : null, one.gap ? h("span.hint", {}, disagreement(one.gap)) : null)));
  const terms = explained.on_hand.terms.filter((term) => term.quantity).map((term) => `${termOf(term.what)[0].toLowerCase()} ${term.quantity < 0 ? signed(term.quantity) : n(term.quantity)}`).join(", ");
  return panel("stock", `On hand ${n(explained.on_hand.quantity)}`, explained.on_hand.gap ? `counts and movements disagree by ${signed(explained.on_hand.gap)}` : "counts and movements agree", h("span.muted", {}, [["late", view.facts.late], ["stale", view.facts.stale], ["twice", view.facts.duplicates]].map(([word, many], place) => [place ? " · " : "", gloss(word, MEANINGS[word]), ` ${n(many)}`])),
    rows.length ? table("", ["Location", num("Units"), "Follows from"], rows, "Stock by location") : h("div.body", {}, h("p", {}, "No stock was stated.")),
    h("div.body", {}, terms ? h("p.muted", {}, `The sum: ${terms}.`) : null, explained.on_hand.places_next ? h("p.muted", {}, "There are more locations.") : null));
}

/** A gap as a sum: what was counted, what moved since, what that should have led to, and what was found. */
function disagreement({ base, moved, shipped, found, unexplained }) {
  const expected = sum([found, -unexplained]);
  const between = [moved ? `${signed(moved)} moved` : null, shipped ? `${signed(-shipped)} shipped` : null].filter(Boolean).join(", ");
  return `gap ${signed(unexplained)}: ${n(base.quantity)} counted, ${between ? `${between} since` : "nothing moved since"}: ${n(expected)} expected, but ${n(found)} found`;
}

const hasDates = (curve) => curve.past_due.length > 0 || curve.arriving > 0 || curve.days.some((day) => day.supply || day.promised);

function byDay(curve, channel) {
  const most = Math.max(1, ...curve.days.map((day) => Math.max(day.available, day.projected)));
  const rows = curve.days.map((day) => h("tr", {}, h("td.nowrap", {}, day.date, day.date === curve.today ? h("span.muted", {}, " today") : null), h("td.num", {}, day.supply ? signed(day.supply) : "0"), h("td.num", {}, day.promised ? n(-day.promised) : "0"), h("td.num", {}, n(day.projected)), h("td.num", {}, h("b", {}, n(day.available))),
    h("td.bar", {}, h("div.meter.day", { "aria-hidden": "true" }, h("i.f", { css: { "--w": `${(100 * Math.max(0, day.available)) / most}%` } }), h("i.s", { css: { "--w": `${(100 * Math.max(0, day.projected - day.available)) / most}%` } })))));
  return panel("days", `By day in ${channel.channel}`, `now ${n(curve.now)}, up to ${curve.horizon}`, h("span.legend", {}, h("span", {}, h("i.f"), "available"), h("span", {}, h("i.s"), "there, but kept")),
    table(".fall", ["Day", num("Supply"), num("Promised"), num("Will be there"), num("Available"), h("th.bar", {}, h("span.skip", {}, "drawn"))], rows, "Available by day"),
    curve.past_due.length ? h("div.body", {}, h("p.muted", {}, `Past due: ${curve.past_due.map((one) => `${n(one.quantity)} of ${one.date}${one.counts_on ? `, counted on ${one.counts_on}` : ", not counted"}`).join("; ")}.`)) : null);
}
