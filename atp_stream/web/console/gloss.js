// What a word means, beside it: one tip for all, shown while a word is pointed at or has the focus; Escape hides it.
import { $ } from "./dom.js";

const wordAt = (node) => node?.closest?.(".gloss");

function show(word) {
  const tip = $("#tip");
  tip.textContent = word.dataset.says;
  tip.hidden = false;
  const at = word.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8));
  const below = at.bottom + 6 + size.height < innerHeight;
  tip.style.left = `${left}px`; // by CSSOM: the policy allows it
  tip.style.top = `${below ? at.bottom + 6 : at.top - size.height - 6}px`;
}

function follow(node) {
  const word = wordAt(node) ?? wordAt(document.activeElement);
  if (word) show(word);
  else $("#tip").hidden = true;
}

/** Let the words of the page tell what they mean. */
export function explainWords() {
  addEventListener("pointerover", (event) => follow(event.target));
  addEventListener("focusin", (event) => follow(event.target));
  addEventListener("focusout", (event) => follow(event.relatedTarget));
  addEventListener("scroll", () => follow(null), true); // a word that gets the focus is scrolled into sight first
  addEventListener("keydown", (event) => { if (event.key === "Escape") $("#tip").hidden = true; });
}
