// The analysis of a clip: the player, a chart and segments per person, and what can be saved.
import { button, count, make, say } from "./dom.js";
import { Charts } from "./charts.js";
import { COLOURS, paint } from "./emotions.js";
import { Names } from "./names.js";
import { personOf } from "./person.js";
import { Player } from "./player.js";
import { csv, saveButton, stem } from "./saving.js";
import { vtt } from "./vtt.js";
import { seconds } from "./words.js";

const SHOWN = 6; // people whose charts are open from the start

/** Fills `item` with `answer`; `again(accept, options)` asks the server for the same in another form. */
export function showTimeline(item, answer, { file, name, again, signal, job = null }) {
  const names = new Names(answer.people);
  const player = new Player(answer, names, { file, again, signal });
  const charts = new Charts(answer, (time) => player.seek(time));
  player.onTime = (time) => charts.mark(time);
  const people = [...answer.people].sort((one, other) => other.screen_time - one.screen_time);
  const list = make("div", {});
  const add = (some) => {
    for (const person of some) list.append(personOf(person, names, charts, (time) => player.seek(time)));
    charts.resize();
  };
  const more =
    people.length <= SHOWN
      ? null
      : button(`Show ${people.length - SHOWN} more`, () => {
          more.remove();
          add(people.slice(SHOWN));
        });
  item.append(
    make("p", { textContent: headline(answer) }),
    ...answer.video.warnings.map((text) => make("p", { className: "soft", textContent: text })),
    make(
      "div",
      { className: "columns" },
      make("div", { className: "seen" }, player.element, tools(answer, names, stem(name), again, job)),
      make("div", {}, people.length ? legend(answer) : null, people.length ? zoom(charts) : null, list, more),
    ),
  );
  add(people.slice(0, SHOWN));
  say("");
}

function headline(answer) {
  const people = count(answer.people.length, "person", "people");
  const { duration, frames_analyzed: frames } = answer.video;
  const shown = answer.summary.dominant ? `; mostly ${answer.summary.dominant}` : "";
  return `${people} in ${seconds(duration)}${shown} (${count(frames, "frame")} analysed)`;
}

function legend(answer) {
  const present = new Set(answer.people.flatMap((person) => Object.keys(person.mean_scores)));
  return make(
    "ul",
    { className: "legend" },
    ...Object.keys(COLOURS)
      .filter((emotion) => present.has(emotion))
      .map((emotion) => make("li", {}, paint(make("span", { className: "swatch" }), emotion), emotion)),
  );
}

function zoom(charts) {
  return make(
    "p",
    { className: "buttons", role: "group", "aria-label": "Zoom of the timelines" },
    button("Zoom in", () => charts.zoom(0.5)),
    button("Zoom out", () => charts.zoom(2)),
    button("Whole clip", () => charts.zoom(Infinity)),
    make("span", { className: "soft small", textContent: "Click to seek, drag to zoom." }),
  );
}

function tools(answer, names, name, again, job) {
  const rows = () => {
    const labels = Object.keys(answer.people[0]?.mean_scores ?? {});
    const head = [
      "time",
      "frame",
      "person",
      "name",
      "x",
      "y",
      "width",
      "height",
      "confidence",
      "emotion",
      "score",
      ...labels,
    ];
    return [
      head,
      ...answer.timeline.flatMap(({ time, frame, faces }) =>
        faces.map((face) => [
          time,
          frame,
          face.person,
          names.of(face.person),
          face.box.x,
          face.box.y,
          face.box.width,
          face.box.height,
          face.confidence,
          face.emotion,
          face.score,
          ...labels.map((label) => face.scores[label]),
        ]),
      ),
    ];
  };
  return make(
    "p",
    { className: "buttons" },
    "Save:",
    saveButton("CSV", `${name}.csv`, () => csv(rows()), "text/csv"),
    saveButton("JSON", `${name}.json`, () => JSON.stringify(answer), "application/json"),
    saveButton("Subtitles (WebVTT)", `${name}.vtt`, () => vtt(answer, names), "text/vtt"),
    saveButton("Plot", `${name}.png`, () => again("image/png")),
    saveButton("Annotated clip", `${name}.annotated.mp4`, () => again("video/mp4")),
    !job
      ? saveButton("Redacted clip", `${name}.redacted.mp4`, () => again("video/mp4", { redact: true }))
      : null,
  );
}
