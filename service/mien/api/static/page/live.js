// The camera: frames go over the WebSocket /live, one at a time; faces come back. Nothing is kept on the server.
import { $, button, count, make } from "./dom.js";
import { bars, named } from "./faces.js";
import { askForKey, savedKey } from "./key.js";
import { LiveSocket } from "./live_socket.js";
import { RunningChart } from "./running_chart.js";
import { drawBox } from "./player.js";
import { csv, save } from "./saving.js";
import { percent } from "./words.js";

const WIDTH = 640;
const UNAUTHORIZED = 3000;
const view = build();
let session = null;

export function opened() {
  if (!view.element.isConnected) $("#live").replaceChildren(view.element);
}

addEventListener("hashchange", () => {
  if (location.hash !== "#live") stop();
});
addEventListener("pagehide", () => stop());

function build() {
  const video = make("video", {
    muted: true,
    playsInline: true,
    autoplay: true,
    "aria-label": "The camera, with boxes on faces",
  });
  const canvas = make("canvas", { "aria-hidden": "true" });
  const status = make("p", { role: "status" });
  const error = make("p", { role: "alert", className: "error" });
  const people = make("div", {});
  const start = button("Start the camera", () => (session ? stop() : begin()), { className: "main" });
  const record = button("Record to CSV", () => toggleRecording(), { disabled: true, "aria-pressed": "false" });
  const chart = make("div", { className: "running" });
  const element = make(
    "div",
    {},
    make("h2", { textContent: "Camera" }),
    make("p", { className: "soft", textContent: "Frames are analysed on this server and not kept there." }),
    make("p", { className: "buttons" }, start, record),
    status,
    error,
    make(
      "div",
      { className: "columns" },
      make("div", {}, make("figure", { className: "stage" }, video, canvas), chart),
      people,
    ),
  );
  return { element, video, canvas, status, error, people, start, record, chart };
}

async function begin() {
  view.error.textContent = "";
  if (!navigator.mediaDevices) {
    view.error.textContent = "Browsers give a camera only to pages over HTTPS or from this machine (localhost).";
    return;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: WIDTH, height: 480, frameRate: { ideal: 30 } },
    });
  } catch (error) {
    view.error.textContent =
      error.name === "NotAllowedError"
        ? "The browser does not allow this page to use the camera. Allow it in the address bar, then start again."
        : "No camera can be opened. Connect one, or close the program that uses it.";
    return;
  }
  view.video.srcObject = stream;
  await view.video.play();
  session = { stream, rows: null, chart: new RunningChart(view.chart), times: [] };
  view.start.textContent = "Stop the camera";
  view.record.disabled = false;
  view.status.textContent = "Connecting …";
  connect(session);
}

function connect(current, state) {
  const options = Object.fromEntries(
    ["detector", "labels", "min_face"].map((name) => [name, $(`[name=${name}]`).value]).filter(([, value]) => value),
  );
  const opening = { ...options, ...(savedKey() ? { key: savedKey() } : {}), ...(state ? { person_state: state } : {}) };
  const key = savedKey();
  current.socket = new LiveSocket(view.video, WIDTH, opening, {
    onFrame: (reply, latency) => show(current, reply, latency),
    onError: (detail) => {
      view.error.textContent = detail;
    },
    onEnd: async (code, latest) => {
      if (session !== current) return;
      if (code === UNAUTHORIZED && (await askForKey(key))) return connect(current);
      // A server that restarts, or another behind the same address, goes on with the same numbers.
      if (latest && current.answered) {
        current.answered = 0;
        return setTimeout(() => {
          if (session === current) connect(current, latest);
        }, 1000);
      }
      view.error.textContent ||= "The connection to the server has ended. Start the camera again.";
      return stop();
    },
  });
}

function stop() {
  if (!session) return;
  if (session.rows) toggleRecording();
  session.socket?.close();
  for (const track of session.stream.getTracks()) track.stop();
  session = null;
  view.video.srcObject = null;
  view.start.textContent = "Start the camera";
  view.record.disabled = true;
  view.status.textContent = "";
  view.canvas.getContext("2d").clearRect(0, 0, view.canvas.width, view.canvas.height);
}

function show(current, reply, latency) {
  if (session !== current) return;
  current.answered = (current.answered ?? 0) + 1;
  view.error.textContent = "";
  current.times = [...current.times.slice(-29), performance.now()];
  const span = current.times.at(-1) - current.times[0];
  const rate = span ? (1000 * (current.times.length - 1)) / span : 0;
  view.status.textContent =
    `${count(reply.faces.length, "face")}, ${rate.toFixed(0)} frames per second, ` +
    `${Math.round(latency)} ms from frame to answer`;
  Object.assign(view.canvas, { width: reply.width, height: reply.height });
  const context = view.canvas.getContext("2d");
  const unit = reply.width / (view.canvas.clientWidth || reply.width);
  for (const face of reply.faces) drawBox(context, face, `${face.person} ${face.emotion}`, unit, reply.width);
  view.people.replaceChildren(
    ...reply.faces
      .slice(0, 6)
      .map((face) =>
        make(
          "section",
          { className: "person" },
          make("h3", {}, `Person ${face.person}: `, named(face.emotion), ` ${percent(face.score)}`),
          bars(face.scores),
        ),
      ),
  );
  current.chart.add(reply);
  for (const face of current.rows ? reply.faces : []) {
    current.rows.push([
      new Date().toISOString(),
      reply.time,
      face.person,
      face.box.x,
      face.box.y,
      face.box.width,
      face.box.height,
      face.emotion,
      face.score,
      ...Object.values(face.scores),
    ]);
    current.labels = Object.keys(face.scores);
  }
}

function toggleRecording() {
  const on = !session.rows;
  if (!on && session.rows.length) {
    const head = ["clock", "time", "person", "x", "y", "width", "height", "emotion", "score", ...session.labels];
    save("camera.csv", csv([head, ...session.rows]), "text/csv");
  }
  session.rows = on ? [] : null;
  view.record.textContent = on ? "Stop and save the CSV" : "Record to CSV";
  view.record.setAttribute("aria-pressed", String(on));
}
