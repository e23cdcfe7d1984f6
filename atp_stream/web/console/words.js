// The trade's words for what the views name.
import { count, h, n, signed, tag } from "./dom.js";
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

export const RISKS = { any: "any", quarantine: "quarantined", short: "short", waiting: "waiting", gap: "gap", sold_out: "sold out" };

/** What is at risk about an item, as tags, the gravest first. */
export function riskTags(item) {
  return item.risks.map(({ risk, quantity, channels }) => {
    if (risk === "quarantine") return tag("bad", "quarantined", "⛔");
    if (risk === "short") return tag("bad", `short ${n(quantity)}`, "▼");
    if (risk === "waiting") return tag("warn", `${n(quantity)} wait in ${channels.length > 1 ? count(channels.length, "channel") : channels[0]}`, "◔");
    if (risk === "gap") return tag("warn", `gap ${signed(quantity)}`, "≠");
    return tag("bad", item.on_hand > 0 ? "nothing available" : "sold out", "○");
  });
}

export function meter(item) {
  const reach = Math.max(item.on_hand, item.reserved + Math.max(0, item.safety_stock), 1);
  const width = (amount) => ({ "--w": `${(100 * amount) / reach}%` });
  const covered = Math.min(item.reserved, Math.max(0, item.on_hand));
  const safe = Math.max(0, Math.min(item.safety_stock, item.on_hand - covered));
  const said = `of ${n(item.on_hand)} on hand ${n(item.reserved)} reserved${item.short > 0 ? `, ${n(item.short)} short` : ""}`;
  return h("div.meter", { role: "img", "aria-label": said },
    h("i.r", { css: width(covered) }), item.short > 0 ? h("i.x", { css: width(item.short) }) : null,
    h("i.s", { css: width(safe) }), h("i.f", { css: width(Math.max(0, item.on_hand - covered - safe)) }));
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
