// Dead letters: what was refused, why, as it came, and the command that sends it again.
import { get } from "./api.js";
import { clock, command, count, h, n, panel, quoted, table } from "./dom.js";
import { href, turn } from "./place.js";
import { detailWords, remedy } from "./refusals.js";

export const letters = {
  every: 10_000,
  load: (_, signal) => get("dead-letters", { last: 200 }, signal),
  show(page, { here, memory }) {
    const chosen = here.about.reason ?? "";
    const shown = page.letters.filter((one) => !chosen || one.reason === chosen);
    const choice = h("div.tabs", { role: "group", "aria-label": "Reason" }, [["", page.letters], ...byReason(page.letters, memory)].map(([reason, many]) =>
      h("button", { type: "button", "aria-pressed": String(chosen === reason), onclick: () => turn({ reason, open: "" }) }, reason || "all", " ", h("span.muted", {}, n(many.length)))));
    const rows = shown.flatMap((one) => {
      const open = here.about.open === one.origin;
      const flip = () => turn({ open: open ? "" : one.origin });
      const row = h("tr.pick.opens", { "aria-selected": String(open), onclick: (event) => { if (!event.target.closest("button, a") && !String(getSelection())) flip(); } },
        h("td.mono.nowrap", { title: one.at }, `${one.at.slice(5, 10)} ${clock(Date.parse(one.at))}`), h("td.wide", {}, h("code", {}, one.reason)), h("td.detail.wide", {}, detailWords(one)), h("td.detail.wide", {}, h("code", {}, one.origin)),
        h("td.num.wide", {}, h("button.quiet", { type: "button", "aria-expanded": String(open), "aria-label": `${open ? "Close" : "Open"} ${one.origin}`, onclick: flip }, open ? "Close" : "Open")));
      return open ? [row, h("tr.letter", {}, h("td", { colspan: "5" }, details(one, page.meanings?.[one.reason])))] : [row];
    });
    return [h("h1.skip", {}, "Dead letters"),
      panel("letters", "Dead letters", page.letters.length ? `${page.letters.length >= 200 ? "the newest 200" : count(page.letters.length, "letter")}; each message once, the newest first; times in UTC` : "", null,
        h("div.body", {}, choice),
        rows.length ? table("", ["At", "Reason", "What was wrong", "Origin", h("th", {}, h("span.skip", {}, "more"))], rows, "Dead letters") : h("div.body", {}, h("p", {}, "Nothing was refused.")))];
  },
};

/** Letters by reason, those with most letters first; a place once taken is kept while the page is open. */
export function byReason(many, memory) {
  const found = new Map();
  for (const one of many) found.set(one.reason, [...(found.get(one.reason) ?? []), one]);
  const order = (memory.reasons ??= []);
  const fresh = [...found.keys()].filter((reason) => !order.includes(reason));
  order.push(...fresh.sort((a, b) => found.get(b).length - found.get(a).length || a.localeCompare(b)));
  return order.filter((reason) => found.has(reason)).map((reason) => [reason, found.get(reason)]);
}

function details(one, meaning) {
  const bytes = one.messageBase64 == null ? new TextEncoder().encode(one.message) : Uint8Array.from(atob(one.messageBase64), (sign) => sign.charCodeAt(0));
  const cut = bytes.length < one.bytes ? `, of which the first ${n(bytes.length)} are shown` : "";
  const about = [one.item != null ? ["item ", h("a", { href: href("item", one.item) }, one.item)] : null, one.reservation != null ? [" reservation ", one.item != null ? h("a", { href: href("reservation", one.item, one.reservation) }, one.reservation) : one.reservation] : null];
  return h("div.half", {},
    h("div", {}, h("h3", {}, "As it came"), h("pre", { tabindex: "0", "aria-label": "The message" }, one.messageBase64 == null ? one.message : dump(bytes)),
      h("p.muted", {}, `${count(one.bytes, "byte")}${cut}`, one.headers.length ? `; headers ${one.headers.join(", ")}` : "", about.some(Boolean) ? ["; it names ", about] : "", ".")),
    h("div", {}, h("h3", {}, "What to do"), meaning ? h("p", {}, h("code", {}, one.reason), `: ${meaning.replaceAll("`", "")}.`) : null, h("p", {}, remedy(one.reason)),
      h("p.muted", {}, "Once it can pass, this sends it, or all of its kind, again to where it came from:"),
      command(`atp dead-letters replay --origin ${quoted(one.origin)}`), h("p", {}), command(`atp dead-letters replay --reason ${quoted(one.reason)}`),
      h("p.muted", {}, "The console only reads: it shows the command and runs nothing.")));
}

function dump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.slice(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex}  |${row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("")}|`);
  }
  return lines.join("\n");
}
