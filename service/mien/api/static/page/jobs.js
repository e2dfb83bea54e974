// Clips that are analysed in the background: followed here, also after a reload (the address's hash names the job).
import { request, requestJson, told, Trouble } from "./api.js";
import { $, button, make, say, sayError } from "./dom.js";
import { showTimeline } from "./timeline.js";

const SECONDS = 1; // between two questions
const ENDED = { failed: "failed", cancelled: "was cancelled" };
const WORDS = { queued: "Waiting for its turn", running: "Analysing" };
const PASSING = new Set([0, 429, 502, 503, 504]); // a server that restarts
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
let shown = null;

/** The JSON answer of a job, once it has succeeded; `place` shows how far it is. */
export async function followJob(id, place, signal) {
  shown = id;
  const path = `jobs/${encodeURIComponent(id)}`;
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Progress of the job" });
  const state = make("p", { className: "soft" });
  place.replaceChildren(
    bar,
    state,
    make("p", {
      className: "soft",
      textContent: "This goes on without this page: keep or bookmark its address, and come back.",
    }),
    make(
      "p",
      { className: "buttons" },
      button("Cancel the analysis", () => request(path, { method: "DELETE" }).catch((error) => sayError(told(error)))),
    ),
  );
  for (;;) {
    const job = await requestJson(path, { signal }).catch((error) => {
      if (!PASSING.has(error.status)) throw error;
      return { state: "away" };
    });
    signal.throwIfAborted();
    if (job.state in ENDED) throw new Trouble(job.error?.detail ?? `The analysis ${ENDED[job.state]}.`);
    if (job.state === "succeeded") break;
    if (job.state === "away") {
      state.textContent = "The server does not answer. The job goes on when it is back; this page keeps asking.";
      await pause(SECONDS);
      continue;
    }
    bar.value = job.progress;
    const left = Number.isFinite(job.eta_seconds) ? `, about ${Math.ceil(job.eta_seconds)} s left` : "";
    state.textContent = `${WORDS[job.state] ?? job.state}: ${Math.round(100 * job.progress)} %${left}`;
    await pause(SECONDS);
  }
  return requestJson(`${path}/result`, { signal });
}

/** Asks for the result of a job in another form. */
export const resultOf = (id, signal) => async (accept) =>
  (await request(`jobs/${encodeURIComponent(id)}/result`, { accept, signal })).blob();

/** Shows the job that the address names, unless this page shows it already; `begin` makes room for it. */
export async function resume(id, begin) {
  if (id === shown) return;
  const signal = begin();
  const item = make(
    "article",
    { className: "item", "aria-label": "Job" },
    make("header", {}, make("h2", { textContent: "A clip analysed earlier" })),
  );
  const waiting = make("div");
  item.append(waiting);
  $("#results").append(item);
  try {
    const answer = await followJob(id, waiting, signal);
    waiting.remove();
    showTimeline(item, answer, { file: null, name: "clip", again: resultOf(id, signal), signal, job: id });
    say("The analysis is done.");
  } catch (error) {
    shown = null;
    waiting.replaceChildren(make("p", { className: "error", role: "alert", textContent: told(error) }));
  }
}
