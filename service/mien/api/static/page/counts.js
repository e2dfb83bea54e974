// Where the operator allows only counts over at least five people: a picture or a clip, and the counts.
import { isJson, Trouble, upload } from "./api.js";
import { make } from "./dom.js";
import { isClip } from "./intake.js";
import { chosen } from "./options.js";

/** Analyses `file` and fills `item`. */
export async function showCounts(file, item, signal) {
  const clip = isClip(file);
  const path = clip ? "analyze-video" : "predict";
  const response = await upload(path, file, { accept: "application/json", query: chosen(clip), signal });
  if (!isJson(response))
    throw new Trouble("Something between this page and Mien answered in its place.", response.status);
  const answer = await response.json();
  signal.throwIfAborted();
  const found = clip ? answer : answer.images[0];
  const warnings = (clip ? answer.video : found).warnings;
  const counts = Object.entries(found.counts ?? {}).map(([label, people]) => `${people} ${label}`);
  const told = found.withheld
    ? "Fewer than five people: this service says nothing of them."
    : `${found.people} people: ${counts.join(", ")}`;
  item.append(
    make("p", { textContent: told }),
    ...warnings.map((text) => make("p", { className: "soft", textContent: text })),
  );
}
