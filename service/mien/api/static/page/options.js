// The options that the person has chosen, as query parameters.
import { $ } from "./dom.js";

const DEFAULTS = { detector: "auto", labels: "ferplus8", min_face: "", fps: "5" };
const OF_CLIPS = new Set(["fps"]);

/** Only what differs from the service's defaults. */
export function chosen(isClip) {
  const fields = new FormData($(".options"));
  return Object.fromEntries(
    [...fields].filter(([name, value]) => value !== "" && value !== DEFAULTS[name] && (isClip || !OF_CLIPS.has(name))),
  );
}
