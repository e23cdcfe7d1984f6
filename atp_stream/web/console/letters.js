// Dead letters: what was refused, why, as it came, and the command that sends it again.
import { get } from "./api.js";
import { clock, command, count, h, n, panel, quoted, table } from "./dom.js";
import { href, turn } from "./place.js";

export const letters = {
  every: 10_000,
  load: (_, signal) => get("dead-letters", { last: 200 }, signal),
  show(page, { here }) {
    const reasons = new Map();
    for (const one of page.letters) reasons.set(one.reason, (reasons.get(one.reason) ?? 0) + 1);
    const chosen = here.about.reason ?? "";
    const shown = page.letters.filter((one) => !chosen || one.reason === chosen);
    const choice = h("div.tabs", { role: "group", "aria-label": "Reason" }, [["", page.letters.length], ...reasons].map(([reason, many]) =>
      h("button", { type: "button", "aria-pressed": String(chosen === reason), onclick: () => turn({ reason, open: "" }) }, reason || "all", " ", h("span.muted", {}, n(many)))));
    const rows = shown.flatMap((one) => {
      const open = here.about.open === one.origin;
      const row = h("tr.pick", { "aria-selected": String(open) }, h("td.mono.nowrap", { title: one.at }, `${one.at.slice(5, 10)} ${clock(Date.parse(one.at))}`), h("td", {}, h("code", {}, one.reason)), h("td.detail", {}, one.detail), h("td.detail", {}, h("code", {}, one.origin)),
        h("td.num", {}, h("button.quiet", { type: "button", "aria-expanded": String(open), "aria-label": `${open ? "Close" : "Open"} ${one.origin}`, onclick: () => turn({ open: open ? "" : one.origin }) }, open ? "Close" : "Open")));
      return open ? [row, h("tr.letter", {}, h("td", { colspan: "5" }, details(one)))] : [row];
    });
    return [h("h1.skip", {}, "Dead letters"),
      panel("letters", "Dead letters", page.letters.length ? `${page.letters.length >= 200 ? "the newest 200" : count(page.letters.length, "letter")}; each message once, the newest first; times in UTC` : "", choice,
        rows.length ? table("", ["At", "Reason", "What was wrong", "Origin", h("th", {}, h("span.skip", {}, "more"))], rows, "Dead letters") : h("div.body", {}, h("p", {}, "Nothing was refused.")))];
  },
};

function details(one) {
  const bytes = one.messageBase64 == null ? new TextEncoder().encode(one.message) : Uint8Array.from(atob(one.messageBase64), (sign) => sign.charCodeAt(0));
  const cut = bytes.length < one.bytes ? `, of which the first ${n(bytes.length)} are shown` : "";
  const about = [one.item != null ? ["item ", h("a", { href: href("item", one.item) }, one.item)] : null, one.reservation != null ? [" reservation ", one.item != null ? h("a", { href: href("reservation", one.item, one.reservation) }, one.reservation) : one.reservation] : null];
  return h("div.half", {},
    h("div", {}, h("h3", {}, "As it came"), h("pre", { tabindex: "0", "aria-label": "The message" }, one.messageBase64 == null ? one.message : dump(bytes)),
      h("p.muted", {}, `${count(one.bytes, "byte")}${cut}`, one.headers.length ? `; headers ${one.headers.join(", ")}` : "", about.some(Boolean) ? ["; it names ", about] : "", ".")),
    h("div", {}, h("h3", {}, "What to do"), h("p", {}, "Mend what is wrong, in the message's source, the registry or a setting. Then send this one, or all of its kind, again to where they came from:"),
      command(`atp dead-letters replay --origin ${quoted(one.origin)}`), h("p", {}), command(`atp dead-letters replay --reason ${one.reason}`),
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
