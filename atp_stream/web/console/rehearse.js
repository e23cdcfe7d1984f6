// Rehearse: opens what `atp rehearse --json` has written, here in the browser, and shows the difference in words.
import { command, drawn, h, n, num, panel, signed, sum, table } from "./dom.js";

const BETTER = { committed: 1, backordered: -1, rejected: -1, released: -1, denied: -1, partial: -1 };

export const rehearse = {
  every: 0,
  load: async () => ({}),
  show(_, state) {
    const read = async (event) => {
      const [file] = event.target.files;
      try {
        const found = JSON.parse(await file.text());
        if (!Array.isArray(found.channels) || !Array.isArray(found.partitions)) throw new SyntaxError("it is no rehearsal");
        Object.assign(state.memory, { found, name: file.name, wrong: "" });
      } catch (error) {
        Object.assign(state.memory, { found: null, wrong: `${file.name} cannot be shown: ${error.message}` });
      }
      state.redraw();
    };
    const { found, name, wrong } = state.memory;
    return [h("h1.skip", {}, "Rehearse"), panel("rehearsal", "Rehearsal", found ? name : "what another policy would have done", null,
      h("div.body", {}, h("p", {}, "Make one with this command, and open it here. It stays in this browser."), command("atp rehearse --policy policy.json --json > rehearsal.json"),
        h("p", {}, h("label", {}, "Open ", h("input", { type: "file", accept: ".json,application/json", onchange: read })))),
      wrong ? h("p.body.lost", { role: "alert" }, wrong) : null, found ? difference(found) : null)];
  },
};

function difference(found) {
  const rows = found.channels.flatMap((one) => Object.keys(one.was).map((what) => ({ ...one, what, was: one.was[what].units, would: one.would[what].units }))).filter((row) => row.was || row.would);
  const most = Math.max(1, ...rows.map((row) => Math.abs(row.would - row.was)));
  const tenants = new Set(rows.map((row) => row.tenant)).size > 1;
  const shown = rows.map((row) => {
    const change = sum([row.would, -row.was]);
    const half = (50 * Math.abs(change)) / most;
    const better = change * (BETTER[row.what] ?? 0);
    const word = better > 0 ? " better" : better < 0 ? " worse" : "";
    return h("tr", {}, h("td", {}, tenants ? `${row.tenant} ${row.channel}` : row.channel), h("td", {}, row.what), h("td.num", {}, n(row.was)), h("td.num", {}, n(row.would)),
      h(`td.num${change ? (better > 0 ? ".up" : ".down") : ".muted"}`, {}, change ? signed(change) + word : "0"),
      h("td", {}, h("div.lane", { "aria-hidden": "true" }, change ? h(`i${change < 0 ? ".less" : ""}`, { css: { "--from": `${change < 0 ? 50 - half : 50}%`, "--w": `${half}%` } }) : null)));
  });
  const log = found.partitions.map((one) => `${one.partition}: ${one.after < 0 ? "genesis" : one.after} to ${one.applied}`).join(", ");
  return [table(".diff", ["Channel", "Units", num("Was"), num("Would be"), num("Difference"), drawn()], shown, "The difference"),
    h("div.body", {}, rows.some((row) => row.was !== row.would) ? null : h("p", {}, "Nothing would have been different."), h("p.muted", {}, "It cannot know how customers would have answered: the same orders meet another policy."), h("p.muted", {}, `The log, by partition: ${log}.`))];
}
