// How the page asks: JSON views of the worker that it came from, with a token if one is needed. It is kept in memory only.

let token = "";
export const signIn = (given) => { token = given.trim(); };
const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});
export const path = (...parts) => parts.map((part, place) => (place ? encodeURIComponent(part) : part)).join("/");

/** An answer other than the one that was asked for. `status` is 0 if nobody answered. */
export class Trouble extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
  /** Whether it is worth asking again, and what was known before may still be shown with its age. */
  get passes() { return [0, 429, 502, 503, 504].includes(this.status); }
}

/** Return what a view answers; `about` are its parameters. */
export async function get(view, about = {}, signal = undefined) {
  const given = Object.entries(about).filter(([, value]) => value != null && value !== "");
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  let answer;
  try {
    answer = await fetch(view + query, { headers: { Accept: "application/json", ...headers() }, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, "unreachable", "this worker does not answer");
  }
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => ({}));
  throw new Trouble(answer.status, (said.type ?? "").replace("urn:atp:problem:", ""), said.detail ?? answer.statusText);
}

/** Follow a stream of events until `signal` ends it; reports each event, what was lost, and whether it is open. */
export async function follow(view, { event, lost, open }, signal) {
  while (!signal.aborted) {
    try {
      const answer = await fetch(view, { headers: { Accept: "text/event-stream", ...headers() }, signal, cache: "no-store" });
      if (!answer.ok) {
        const said = await answer.json().catch(() => ({}));
        throw new Trouble(answer.status, "", said.detail ?? answer.statusText);
      }
      open(true);
      await read(answer.body.getReader(), event, lost);
      open(false, "it has ended");
    } catch (error) {
      if (signal.aborted) return;
      open(false, error instanceof Trouble ? error.message : "the worker does not answer");
    }
    await new Promise((done) => setTimeout(done, 1_500));
  }
}

async function read(reader, event, lost) {
  const decoder = new TextDecoder();
  let left = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (left + decoder.decode(value, { stream: true })).split("\n\n");
    left = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const data = lines.find((line) => line.startsWith("data: "));
      if (!data) continue;
      const said = JSON.parse(data.slice(6));
      if (lines.includes("event: lost")) lost(said.lost);
      else event(said);
    }
  }
}

/** What a view answers, or the trouble with it: for what a page can do without. */
export const optional = (asked) => asked.catch((error) => { if (error instanceof Trouble) return { trouble: error }; throw error; });

/** The last answer, for what is asked for less often than the page; what a caller may not see is asked for once. */
export async function seldom(memory, name, ms, ask) {
  const known = memory[name];
  if (known && (Date.now() - known.at < ms || (await known.answer).trouble?.status === 403)) return known.answer;
  const answer = optional(ask());
  memory[name] = { at: Date.now(), answer };
  answer.catch(() => { if (memory[name]?.answer === answer) delete memory[name]; });
  return answer;
}
