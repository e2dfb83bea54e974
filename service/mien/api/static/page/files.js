// The view of pictures and clips: what was taken in last, analysed one after the other.
import { told } from "./api.js";
import { $, button, count, countsOnly, make, say, sayError } from "./dom.js";
import { isClip, watch } from "./intake.js";
import { showPicture } from "./pictures.js";
import { offerSnippets } from "./snippets.js";

const OF_THE_FILE = new Set([400, 413, 415, 422]); // statuses that a second try would not change

let last = [];
let running = new AbortController();

export function startFiles(openView) {
  watch((files) => {
    openView("files");
    take(files);
  });
  $("#again").addEventListener("click", () => take(last));
  $(".options").addEventListener("submit", (event) => {
    event.preventDefault();
    take(last);
  });
  offerSnippets(() =>
    last.length ? { name: last[0].name, isClip: isClip(last[0]) } : { name: "photo.jpg", isClip: false },
  );
}

/** Makes room for new results; the signal ends when others take their place. */
export function begin() {
  running.abort();
  running = new AbortController();
  sayError("");
  $("#results").replaceChildren();
  document.body.classList.add("taken");
  return running.signal;
}

async function take(files) {
  if (!files.length) return say("Choose a file first.");
  last = files;
  const signal = begin();
  let faces = 0;
  let failed = 0;
  for (const [index, file] of files.entries()) {
    const item = make(
      "article",
      { className: "item", "aria-label": file.name },
      make("header", {}, make("h2", { textContent: file.name })),
    );
    say(files.length > 1 ? `Analysing ${index + 1} of ${files.length}: ${file.name} …` : `Analysing ${file.name} …`);
    $("#results").append(item);
    try {
      if (countsOnly) await (await import("./counts.js")).showCounts(file, item, signal);
      else if (isClip(file)) await (await import("./clips.js")).showClip(file, item, signal);
      else faces += await showPicture(file, item, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      failed += 1;
      item.append(make("p", { className: "error", role: "alert", textContent: told(error) }));
      if (!OF_THE_FILE.has(error.status)) item.append(button("Try again", () => take(files)));
    }
    if (signal.aborted) return undefined;
  }
  const pictures = files.filter((file) => !isClip(file)).length - failed;
  if (countsOnly) say("");
  else if (pictures > 0) say(`${count(faces, "face")} in ${count(pictures, "picture")}`);
  else if (failed) say("");
  return undefined;
}
