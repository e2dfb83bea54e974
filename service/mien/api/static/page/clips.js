// One clip: analysed while a bar shows how far, then shown beside the timelines of its people.
import { Trouble, upload } from "./api.js";
import { make } from "./dom.js";
import { followJob, resultOf } from "./jobs.js";
import { lines } from "./lines.js";
import { chosen } from "./options.js";
import { showTimeline } from "./timeline.js";

const JOB_SECONDS = 60; // longer clips become jobs, which go on without this page

/** Analyses `file` and fills `item`. */
export async function showClip(file, item, signal) {
  const query = chosen(true);
  const length = await duration(file);
  signal.throwIfAborted();
  const bar = make("progress", { max: 1, value: 0, "aria-label": `Analysis of ${file.name}` });
  const state = make("p", { className: "soft", textContent: "Uploading …" });
  const waiting = make("div", {}, bar, state);
  item.append(waiting);
  try {
    const isLong = !length || length > JOB_SECONDS;
    const job = isLong ? await submitted(file, query, signal) : null;
    const { answer, job: made } = job ? { job } : await throughLines(file, query, length, { bar, state }, signal);
    if (made) history.replaceState(null, "", `#job=${made}`);
    const whole = made ? await followJob(made, waiting, signal) : answer;
    signal.throwIfAborted();
    waiting.remove();
    const again = async (accept, more = {}) => {
      const response = await upload("analyze-video", file, { accept, query: { ...query, ...more }, signal });
      return response.blob();
    };
    showTimeline(item, whole, { file, name: file.name, again: made ? resultOf(made, signal) : again, signal, job: made });
  } finally {
    waiting.remove();
  }
}

/** The job that the service made of `file`; null if it can make none now. */
async function submitted(file, query, signal) {
  try {
    return jobOf(await upload("analyze-video", file, { accept: "video/mp4", query: { ...query, mode: "async" }, signal }));
  } catch (error) {
    if (error.code !== "jobs_unavailable") throw error;
    return null;
  }
}

/** The clip's seconds, as far as this browser can tell. */
function duration(file) {
  const video = document.createElement("video");
  const address = URL.createObjectURL(file);
  return new Promise((resolve) => {
    video.preload = "metadata";
    video.onloadedmetadata = () => resolve(Number.isFinite(video.duration) ? video.duration : 0);
    video.onerror = () => resolve(0);
    video.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}

/** The JSON answer, put together from the lines that come during the analysis; the job, if the service made it one. */
async function throughLines(file, query, length, { bar, state }, signal) {
  const response = await upload("analyze-video", file, { accept: "application/x-ndjson", query, signal });
  if (response.status === 202) return { job: jobOf(response) };
  if (!response.headers.get("content-type")?.includes("ndjson")) {
    throw new Trouble("Something between this page and Mien answered in its place.", response.status);
  }
  const timeline = [];
  let start = {};
  for await (const line of lines(response)) {
    const { type, ...members } = line;
    if (type === "start") start = members;
    else if (type === "error") throw new Trouble(members.detail, members.status, members.code);
    else if (type === "end") {
      return { answer: { request_id: start.request_id, ...members, timeline, models: start.models } };
    } else {
      timeline.push(members);
      if (length) bar.value = members.time / length;
      state.textContent = `Analysed up to ${members.time.toFixed(1)} s${length ? ` of ${length.toFixed(1)} s` : ""}`;
    }
  }
  throw new Trouble("The answer broke off before its end. Try again.");
}

function jobOf(response) {
  const id = response.headers.get("location")?.split("/").pop();
  if (!id) throw new Trouble("The server did not say under which address the analysis goes on.", response.status);
  return id;
}
