// Policy: the document in force, and the rules that an item lives by, with where each is written.
import { get, path, Trouble } from "./api.js";
import { command, h, n, num, panel, since, table } from "./dom.js";
import { turn } from "./place.js";

const WRITTEN = { item_channel: "item and channel", item: "item", channel: "channel", tenant: "tenant", default: "nowhere: the default" };
const optional = (asked) => asked.catch((error) => { if (error instanceof Trouble && error.status === 403) return null; throw error; });

export const policy = {
  every: 5_000,
  async load({ here }, signal) {
    const [force, rules] = await Promise.all([optional(get("policy", {}, signal)), here.about.item ? get(path("policy", here.tenant, here.about.item), {}, signal) : null]);
    return { force, rules };
  },
  show({ force, rules }, { here }) {
    const ask = (event) => { event.preventDefault(); turn({ item: event.target.elements.item.value.trim() }); };
    return [h("h1.skip", {}, "Policy"),
      h("div.half", {},
        panel("rules", "The rules of an item", rules ? here.about.item : "", null,
          h("form.body", { onsubmit: ask }, h("label", {}, "Item ", h("input", { name: "item", value: here.about.item ?? "", spellcheck: "false", autocomplete: "off" })), " ", h("button", { type: "submit" }, "Show")),
          rules ? ruleTable(rules) : h("div.body", {}, h("p.muted", {}, "Name an item to see which rule counts in each channel, and at which level it is written.")),
          rules ? h("div.body", {}, h("p.muted", {}, "One rule counts, alone: item and channel, then item, then channel, then tenant. Nothing of the others is added."), rules.kept ? h("p", {}, `${n(rules.kept)} commands wait until the item has met a newer policy, or is resumed.`) : null) : null),
        panel("document", "Policy in force", force?.since ? `since ${since(force.since.at)} ago, ${force.since.log}${force.met_by_all ? "; all items have met it" : "; some items have still to meet it"}` : "", null,
          h("div.body", {}, force ? h("pre", { tabindex: "0", "aria-label": "The document" }, JSON.stringify(force.document, null, 2)) : h("p.muted", {}, "The whole document is shown to those who may read for all tenants."),
            h("p", {}, command("atp policy show")), h("p.muted", {}, "To try another one on what has happened:"), command("atp rehearse --policy policy.json --json > rehearsal.json"))))];
  },
};

function ruleTable(rules) {
  const every = [...rules.channels, ...(rules.other_channels ? [{ channel: "others", ...rules.other_channels }] : [])];
  return table("", ["Channel", "Kind", "Written at", num("Buffer"), num("Floor"), "More"], every.map((one) => h("tr", {}, h("td", {}, one.channel), h("td", {}, one.kind), h("td", {}, WRITTEN[one.written]), h("td.num", {}, n(one.buffer)), h("td.num", {}, n(one.floor)),
    h("td.muted", {}, one.weight ? `weight ${n(100 * one.weight)} %` : one.rank ? `rank ${one.rank}, min ${n(one.min)}${one.overflow ? ", overflow" : ""}` : ""))), "Rules by channel");
}
