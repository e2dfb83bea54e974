// Which view is open: the address's hash says so, so that links, "back" and reloads work.
import { $, countsOnly } from "./dom.js";
import { begin, startFiles } from "./files.js";

const VIEWS = ["files", "live", "models", "notice"];
const STARTERS = { models: () => import("./models.js"), live: () => import("./live.js") };
const started = new Map();

$('[data-view="live"]').hidden = countsOnly;
startFiles((view) => {
  if (location.hash !== `#${view}`) history.replaceState(null, "", `#${view}`);
  open();
});
addEventListener("hashchange", open);
open();

async function open() {
  const name = location.hash.slice(1).split("=")[0];
  const view = name === "job" || !VIEWS.includes(name) || (name === "live" && countsOnly) ? "files" : name;
  for (const each of VIEWS) {
    // The notice is short, and belongs to the results too.
    $(`#${each}`).hidden = each !== view && !(each === "notice" && view === "files");
    const link = $(`[data-view="${each}"]`);
    if (each === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name === "job" && !countsOnly) (await import("./jobs.js")).resume(location.hash.slice("#job=".length), begin);
  if (STARTERS[view]) {
    if (!started.has(view)) started.set(view, STARTERS[view]());
    (await started.get(view)).opened?.();
  }
}
