// One person of a clip: a name that can be changed, a chart, and the segments as buttons that seek.
import { button, make } from "./dom.js";
import { paint } from "./emotions.js";
import { named } from "./faces.js";
import { percent, seconds } from "./words.js";

export function personOf(person, names, charts, seek) {
  const field = make("input", {
    type: "text",
    value: names.of(person.person),
    maxLength: 60,
    "aria-label": `Name of person ${person.person}`,
  });
  field.addEventListener("input", () => names.set(person.person, field.value));
  const share = person.mean_scores[person.dominant];
  const header = make(
    "header",
    {},
    field,
    make(
      "span",
      { className: "soft small" },
      "mostly ",
      named(person.dominant),
      ` (${percent(share)}), on screen ${seconds(person.screen_time)}`,
    ),
  );
  const segments = person.segments.map((segment) => {
    const element = button("", () => seek(segment.start), { title: `${percent(segment.mean_score)} on average` });
    element.append(
      paint(make("span", { className: "swatch" }), segment.emotion),
      `${seconds(segment.start)} ${segment.emotion}`,
    );
    return element;
  });
  const section = make(
    "section",
    { className: "person", "aria-label": `Person ${person.person}` },
    header,
    make("div", { className: "segments", role: "group", "aria-label": "Seek to" }, ...segments),
  );
  const chart = charts.add(person);
  header.after(chart);
  return section;
}
