// Items: all of a tenant in the order of their names, with a prefix, page by page.
import { get, path } from "./api.js";
import { h, n, num, panel, since, table } from "./dom.js";
import { href, turn } from "./place.js";
import { meter, meterLegend, RISKS, riskTags } from "./words.js";

const MOST = 200;

export const items = {
  every: 5_000,
  load: ({ here }, signal) => get(path("items", here.tenant), here.about.risk ? { risk: here.about.risk, limit: MOST } : { prefix: here.about.prefix, after: here.about.after, limit: 50 }, signal),
  show(page, { here }) {
    const { missing } = page.partitions;
    const { risk } = here.about;
    const about = risk ? `at risk${risk === "any" ? "" : `: ${RISKS[risk] ?? risk}`}, the gravest first; ${page.found > page.items.length ? `${n(page.items.length)} of ${n(page.found)}` : n(page.items.length)}` : here.about.prefix ? `that begin with “${here.about.prefix}”` : "in the order of their names";
    const rows = page.items.map((one) => h("tr.pick", {}, h("td", {}, h("a", { href: href("item", one.item) }, one.item)), h("td.wide.bare", {}, h("div.tags", {}, riskTags(one))),
      h("td.num", {}, n(one.on_hand)), h("td.num", {}, n(one.reserved)), h("td.wide.bare", {}, meter(one)),
      h("td.wide", {}, one.channels.map((channel) => h("span.pair", {}, h("span.muted", {}, `${channel.channel} `), h(`b${channel.available <= 0 ? ".down" : ""}`, {}, n(channel.available))))),
      h("td.num.muted", {}, since(one.as_of))));
    return [h("h1.skip", {}, "Items"),
      missing.length ? h("section.verdict.warn", { role: "alert" }, h("b", {}, `Not all items are here: nobody speaks for ${missing.length === 1 ? "partition" : "partitions"} ${missing.join(", ")} now.`)) : null,
      panel("items", "Items", about, meterLegend(),
        h("form.body", { role: "search", onsubmit: (event) => { event.preventDefault(); turn({ prefix: event.target.elements.prefix.value.trim(), after: "", risk: "" }); } },
          h("label", {}, "Begins with ", h("input", { name: "prefix", value: here.about.prefix ?? "", spellcheck: "false", autocomplete: "off" })), " ", h("button", { type: "submit" }, "Show")),
        rows.length ? table("", ["Item", "At risk", num("On hand"), num("Reserved"), "Where it is", "Available", num("Changed")], rows, "Items")
          : h("div.body", {}, h("p", {}, "There are none.")),
        h("div.body.tabs.turns", {},
          risk ? h("button", { type: "button", onclick: () => turn({ risk: "" }) }, "All items") : null,
          here.about.after ? h("button", { type: "button", onclick: () => turn({ after: "" }) }, "First page") : null,
          page.next ? h("button", { type: "button", onclick: () => turn({ after: page.next }) }, "Next page") : null))];
  },
};
