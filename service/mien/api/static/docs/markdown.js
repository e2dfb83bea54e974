// The Markdown that descriptions in openapi.json are written in: paragraphs, lists, `code` and **strong**.
import { make } from "../page/dom.js";

const PARTS = /(`[^`]+`|\*\*[^*]+\*\*)/;

/** A sentence's parts, as nodes. */
export function inline(text) {
  return text.split(PARTS).map((part) => {
    if (part.startsWith("`") && part.length > 2) return make("code", { textContent: part.slice(1, -1) });
    if (part.startsWith("**") && part.length > 4) return make("strong", { textContent: part.slice(2, -2) });
    return part;
  });
}

/** Blocks, as elements. */
export function blocks(text) {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((block) => {
      const items = block.split(/\n(?=[-*] )|^(?=[-*] )/).filter(Boolean);
      if (!/^[-*] /.test(block)) return make("p", {}, ...inline(block));
      return make("ul", {}, ...items.map((item) => make("li", {}, ...inline(item.slice(2)))));
    });
}
