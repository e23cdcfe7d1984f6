// Partitions and workers: who has what, how far it is, and what a worker warns of.
import { get } from "./api.js";
import { ago, count, h, n, num, panel, sum, table, tag } from "./dom.js";

const KEPT = 120;

export const workers = {
  async load({ memory }, signal) {
    const found = await get("workers", {}, signal);
    remember(memory, found);
    return found;
  },
  show: (found, { memory }) => [h("h1.skip", {}, "Partitions and workers"), panel("map", "Partitions and workers", "of the item log", null, map(found, memory)), panel("each", "Workers", n(found.workers.length), null, h("div.body", {}, found.workers.map((worker) => one(worker, found.answered_by))))],
};

/** Keep how far partitions are, for their rates since the page was opened. */
export function remember(memory, found) {
  const history = (memory.history ??= []);
  const applied = new Map(found.workers.flatMap((worker) => worker.partitions).filter((each) => each.applied != null).map((each) => [each.partition, each.applied]));
  history.push({ at: performance.now(), applied });
  if (history.length > KEPT) history.shift();
}

function rates(memory, partition) {
  const points = (memory.history ?? []).filter((one) => one.applied.has(partition));
  return points.slice(1).map((one, place) => Math.max(0, one.applied.get(partition) - points[place].applied.get(partition)) / Math.max(0.2, (one.at - points[place].at) / 1000));
}
const latest = (values) => { const last = values.slice(-5); return last.length ? sum(last) / last.length : null; };

export const progress = (found) => {
  const input = found.workers.reduce((total, worker) => total + (worker.input_behind ?? 0), 0);
  const held = found.workers.flatMap((worker) => worker.waiting_for_a_schema ?? []);
  return [h("span", {}, input ? `${count(input, "message")} not read yet` : "all input read"), held.length ? h("span", {}, `${n(held.length)} wait for a schema`) : null];
};

export function map(found, memory) {
  const names = found.workers.map((worker) => worker.url.replace(/^https?:\/\//, ""));
  const rows = Array.from({ length: found.log_partitions }, (_, partition) => {
    const owner = found.workers.flatMap((worker) => worker.partitions).find((each) => each.partition === partition);
    const speed = rates(memory, partition);
    return h("tr", {}, h("td", {}, String(partition)),
      found.workers.map((worker) => h("td.cell", {}, worker.partitions.some((each) => each.partition === partition) ? worker.state === "silent" ? h("span.stand", {}, "silent") : h("span.own", {}, "owns") : worker.standbys?.includes(partition) ? h("span.stand", {}, "standby") : "")),
      h("td.num", {}, owner?.behind == null ? "–" : n(owner.behind)), h("td.num", {}, latest(speed) == null ? "–" : n(Math.round(latest(speed)))), h("td.drawn", {}, spark(speed)), h("td.num.muted", {}, owner?.applied == null ? "–" : n(owner.applied)));
  });
  return table(".map", ["Partition", names.map((name) => h("th.cell", { scope: "col" }, name)), num("Behind"), num("Commands/s"), h("th.drawn", {}, h("span.skip", {}, "drawn")), num("Offset")].flat(), rows, "Partitions and workers");
}

function spark(values) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  for (const [name, value] of [["viewBox", "0 0 100 20"], ["preserveAspectRatio", "none"], ["class", "spark"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  if (values.length > 1) {
    const most = Math.max(1, ...values);
    const line = document.createElementNS(ns, "path");
    line.setAttribute("d", values.map((value, place) => `${place ? "L" : "M"}${(100 * place) / (values.length - 1)} ${19 - (18 * value) / most}`).join(""));
    svg.append(line);
  }
  return svg;
}

function one(worker, asked) {
  const well = worker.state === "serving";
  const facts = [["address", h("a", { href: worker.url }, worker.url)], ["version", worker.version ?? "–"], ["owns", worker.partitions.map((each) => each.partition).join(", ") || "nothing"], ["standby of", worker.standbys?.join(", ") || "nothing"],
    ["up", worker.up_s == null ? "–" : ago(worker.up_s * 1000)], ["heartbeat", worker.heartbeat_age_s == null ? "–" : `${n(Math.max(0, worker.heartbeat_age_s))} s ago`], ["input not read", worker.input_behind == null ? "–" : n(worker.input_behind)]];
  return h("section.worker", {}, h("p", {}, well ? tag("good", "serving", "✓") : tag("bad", worker.state, "!"), " ", h("b", {}, worker.url.replace(/^https?:\/\//, "")), worker.url === asked ? [" ", tag("plain", "this page comes from it")] : null, worker.why ? ` ${worker.why}` : ""),
    h("dl.facts", {}, facts.map(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    (worker.warnings ?? []).map((warning) => h("p.lost", {}, warning)), worker.waiting_for_a_schema?.length ? h("p.lost", {}, `Waits for a schema: ${worker.waiting_for_a_schema.join(", ")}`) : null);
}
