// Where the page is: `#/acme/item/prod987?channel=STORE`. Every place can be shared.

export function place() {
  const [parts, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [tenant = "", page = "", ...names] = parts.split("/").map(decode);
  return { tenant, page: page || "now", names, about: Object.fromEntries(new URLSearchParams(query)) };
}
function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}
/** The address of a page for the tenant that is shown. */
export function href(page, ...names) { return hrefOf(place().tenant, page, ...names); }
export function hrefOf(tenant, page, ...names) {
  return `#/${[tenant, page, ...names].map(encodeURIComponent).join("/")}`;
}
/** Change what the present page shows, without a new entry in the history. */
export function turn(about) {
  const now = place();
  const kept = Object.entries({ ...now.about, ...about }).filter(([, value]) => value != null && value !== "");
  const query = kept.length ? `?${new URLSearchParams(kept)}` : "";
  history.replaceState(null, "", hrefOf(now.tenant, now.page, ...now.names) + query);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
