// Reservation: its life in states, its units, its allocations.
import { get, path } from "./api.js";
import { command, count, dayOf, h, n, num, panel, quoted, since, table } from "./dom.js";
import { href } from "./place.js";
import { statusTag } from "./words.js";

export const reservation = {
  async load({ here }, signal) {
    const [item, name] = here.names;
    const one = await get(path("reservations", here.tenant, item, name), {}, signal);
    const queue = one.waiting > 0 ? await get(path("atp", here.tenant, item, "queue"), { channel: one.channel }, signal) : { channels: [] };
    return { one, queue };
  },
  show({ one, queue }, { here }) {
    const places = queue.channels.flatMap((channel) => channel.parts).filter((part) => part.reservation === one.reservation);
    const later = queue.channels.flatMap((channel) => channel.later).filter((part) => part.reservation === one.reservation);
    const steps = [["asked", one.requested], ["waiting", one.waiting], ["promised for a day", one.promised], ["reserved", one.reserved], ["shipped", one.fulfilled], ["released", one.released]];
    const facts = [["item", h("a", { href: href("item", one.item) }, one.item)], ["channel", one.channel ?? "not known yet"], ["order", one.reference ?? "–"],
      ["created", one.created_at ? `${since(one.created_at)} ago, ${one.created_at}` : "not yet: only what came before it is known"],
      ["ends", one.expires_at ?? "never"], ["confirmed", one.confirmed ? "yes" : "no"], ["priority", n(one.priority)],
      ["may be served in part", one.allow_partial ? "yes" : "no"], ["may wait", one.allow_backorder ? "yes" : "no"], ["location", one.location ?? "any"], ["wanted on", one.requested_date ?? "now"]];
    return [
      h("section", {}, h("h1", {}, one.reservation, " ", h("span.muted", {}, here.tenant)), h("p.tags", {}, statusTag(one.status), h("span.muted", {}, ` as of version ${one.version} of the item, which changed ${since(one.as_of)} ago`))),
      h("section.equation.tiles", { "aria-label": "Where its units are" }, steps.filter(([, amount], place) => amount || place === 0).map(([words, amount]) => h(`div${words === "reserved" ? ".free" : ""}`, {}, h("b", {}, n(amount)), h("span", {}, words)))),
      places.length ? h("section.verdict.warn", {}, h("b", {}, places.map((part) => `Place ${part.place} in ${one.channel}: ${count(part.waiting, "unit")} waiting, ${n(part.ahead)} ahead of it, ${part.missing === null ? "how much must come is not known" : `${part.exact ? "" : "at least "}${n(part.missing)} must come or be freed`}.`).join(" "))) : null,
      later.length ? h("section.verdict", {}, h("b", {}, later.map((part) => `${n(part.waiting)} wait${part.wanted ? `, wanted from ${dayOf(part.wanted)}` : " for a later day"}; closes no channel yet.`).join(" "))) : null,
      h("div.half", {},
        panel("facts", "What was asked", "", null, h("div.body", {}, h("dl.facts", {}, facts.map(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])), h("p", {}, command(`atp get ${quoted(one.item)} --tenant ${quoted(here.tenant)}`)))),
        panel("allocations", "Allocations", n(one.allocations.length), null,
          one.allocations.length ? table("", ["Allocation", num("Units")], one.allocations.map((each) => h("tr", {}, h("td", {}, h("code", {}, each.allocation)), h("td.num", {}, n(each.quantity)))), "Allocations") : h("div.body", {}, h("p", {}, "Nothing is reserved now.")),
          one.lines.length ? table("", ["Promised for", num("Units")], one.lines.map((line) => h("tr", {}, h("td", {}, line.date), h("td.num", {}, n(line.quantity)))), "Promised by day") : null)),
    ];
  },
  unknown: ({ here }) => [h("h1", {}, here.names[1] ?? ""), h("p", {}, "The item ", h("a", { href: href("item", here.names[0] ?? "") }, here.names[0] ?? ""), " has no reservation of this name; what ended long ago is removed.")],
};
