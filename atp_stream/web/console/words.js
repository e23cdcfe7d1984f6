// The trade's words for what the views name.
import { count, h, n, signed, sum, tag } from "./dom.js";
import { href } from "./place.js";

export const TERMS = {
  on_hand: ["On hand", "what is physically there"],
  safety_stock: ["Safety stock", "never promised"],
  reserved: ["Reserved", "promised and not yet shipped, in all channels"],
  never_below_zero: ["Never below zero", "more is promised than is there: nothing is free"],
  fenced_for_quotas: ["Earmarked for quotas", "granted to QUOTA channels and not consumed"],
  own_fence: ["Own earmark", "what this channel was granted and has not consumed"],
  share_of_others: ["Share of others", "this channel may take its weight of the pool only"],
  no_overflow: ["No overflow", "its rule lets it take nothing from the pool"],
  frozen: ["Frozen", "nothing more is promised here"],
  buffer: ["Buffer", "never shown in this channel"],
  below_floor: ["Below floor", "too little to show"],
  step: ["Whole goods", "less than one step is not shown"],
  others_wait: ["Others wait", "an earlier reservation waits: nobody may overtake it"],
  quarantine: ["Quarantine", "the item is stopped"],
  closed: ["Closed", "the channel gets no new reservations"],
  kept_for_later: ["Kept for later", "held for promises of later days"],
};
export const termOf = (what) => TERMS[what] ?? [what.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()), ""];

export const KINDS = {
  POOLED: "may promise all that is free and not earmarked for others",
  SHARE: "may promise its weight of what is free and not earmarked",
  QUOTA: "may promise what was granted to it and is not consumed",
  FROZEN: "promises nothing more; what it has promised stays",
  CLOSED: "policy no longer has it: it shows 0 and gets no new reservations",
};
export const MEANINGS = {
  late: "facts of stock that came behind newer ones and were sorted in",
  stale: "facts of stock that came too late to be judged: they are dead letters",
  twice: "messages that had come before and changed nothing",
  step: "the least quantity that is sold: all quantities that are shown are multiples of it",
  floor: "if less than this is available, 0 is shown",
  buffer: "so many units are never shown in this channel",
  version: "it rises with every message that changes the item; events carry it as atp-version",
  leaves: "what is left after this term, when those above it are taken off",
};

export const RISKS = { any: "any", quarantine: "quarantined", short: "short", waiting: "waiting", gap: "gap", sold_out: "nothing available" };

/** What is at risk about an item, as tags, the gravest first. */
export function riskTags(item) {
  return item.risks.map(({ risk, quantity }) => {
    if (risk === "quarantine") return tag("bad", "quarantined", "⛔");
    if (risk === "short") return tag("bad", `short ${n(quantity)}`, "▼");
    if (risk === "waiting") return waitTags(item.channels);
    if (risk === "gap") return tag("warn", `gap ${signed(quantity)}`, "≠");
    return tag("bad", "nothing available", "○");
  });
}

/** Who waits, as tags: what waits now closes its channel, what is wanted for a later day is in nobody's way. */
export function waitTags(channels) {
  const kinds = [["warn", "wait", (one) => sum([one.waiting, -one.waiting_later])], ["plain", "for a later day", (one) => one.waiting_later]];
  return kinds.map(([kind, words, units]) => {
    const found = channels.filter((one) => units(one) > 0);
    const where = found.length > 1 ? count(found.length, "channel") : found[0]?.channel;
    return found.length ? tag(kind, `${n(sum(found.map(units)))} ${words} in ${where}`, "◔") : null;
  });
}

/** What the colours of `meter` mean. */
export const meterLegend = () => h("span.legend", {}, [["r", "reserved"], ["f", "available"], ["s", "there, but kept"], ["x", "short"]].map(([kind, words]) => h("span", {}, h(`i.${kind}`), words)));

/** Where the units of an item are; available is what the channel with the most may promise. */
export function meter(item) {
  const reach = Math.max(item.on_hand, item.reserved + Math.max(0, item.safety_stock), 1);
  const width = (amount) => ({ "--w": `${(100 * amount) / reach}%` });
  const covered = Math.min(item.reserved, Math.max(0, item.on_hand));
  const left = Math.max(0, item.on_hand - covered);
  const free = Math.min(left, Math.max(0, ...item.channels.map((one) => one.available)));
  const said = `of ${n(item.on_hand)} on hand ${n(item.reserved)} reserved, ${n(free)} available${item.short > 0 ? `, ${n(item.short)} short` : ""}`;
  return h("div.meter", { role: "img", "aria-label": said },
    h("i.r", { css: width(covered) }), item.short > 0 ? h("i.x", { css: width(item.short) }) : null,
    h("i.f", { css: width(free) }), h("i.s", { css: width(left - free) }));
}

export const statusTag = (status) => {
  const kind = { CONFIRMED: "good", FULFILLED: "good", BACKORDERED: "warn", PARTIAL: "warn", REJECTED: "bad", EXPIRED: "bad" }[status] ?? "plain";
  return tag(kind, status.toLowerCase().replaceAll("_", " "), { good: "✓", warn: "◔", bad: "✕" }[kind]);
};

const EVENTS = {
  AvailabilityCalculatedEvent: ["plain", "available"], AllocationCommittedEvent: ["good", "committed"],
  AllocationReleasedEvent: ["warn", "released"], ReservationDeniedEvent: ["bad", "denied"],
  ReservationPromisedEvent: ["good", "promised"], AvailabilityProjectedEvent: ["plain", "by day"],
  StockDriftDetectedEvent: ["warn", "drift"], StockDriftResolvedEvent: ["good", "resolved"],
};
export const EVENT_FILTERS = { "": "all", AllocationCommittedEvent: "committed", ReservationDeniedEvent: "denied", AllocationReleasedEvent: "released", StockDriftDetectedEvent: "drift" };
export const eventTag = (event) => tag(...(EVENTS[event.eventType] ?? ["plain", event.eventType]));
function stepWords(steps) {
  const [first, ...others] = steps;
  return first ? `, ${n(first.available)} from ${first.date}${others.length ? `, ${count(others.length, "later step")}` : ""}` : "";
}
export function eventWords({ eventType, payload }) {
  const item = h("a", { href: href("item", payload.itemId) }, payload.itemId);
  const reservation = payload.reservationId ? h("a", { href: href("reservation", payload.itemId, payload.reservationId) }, payload.reservationId) : null;
  const quantity = payload.available ?? payload.quantity ?? payload.gap;
  return [item, payload.channel ? ` ${payload.channel} ` : " ", quantity == null ? "" : h("b", {}, n(quantity)),
    eventType === "AvailabilityCalculatedEvent" ? h("span.muted", {}, ` (${n(payload.reserved)} reserved)`) : null,
    eventType === "AvailabilityProjectedEvent" ? [h("b", {}, n(payload.now)), h("span.muted", {}, " now", stepWords(payload.steps))] : null,
    reservation ? [" ", reservation] : null,
    payload.outcome ?? payload.reason ? h("span.muted", {}, ` ${(payload.outcome ?? payload.reason).toLowerCase().replaceAll("_", " ")}`) : null];
}
