// The faces of a picture: boxes on it, and the rows of a table, each lit with the other.
import { button, make } from "./dom.js";
import { paint } from "./emotions.js";
import { percent, quality, valence } from "./words.js";

export function bars(scores) {
  const rows = Object.entries(scores).flatMap(([emotion, score]) => {
    const fill = paint(make("i"), emotion);
    fill.style.width = `${100 * score}%`;
    return [
      make("dt", { textContent: emotion }),
      make("dd", {}, make("span", { className: "bar" }, fill)),
      make("dd", { className: "value", textContent: percent(score) }),
    ];
  });
  return make("dl", { className: "bars" }, ...rows);
}

export const named = (emotion) => make("span", {}, paint(make("span", { className: "swatch" }), emotion), emotion);

/** The boxes and the table of a picture. */
export function facesOf(picture) {
  const boxes = picture.faces.map((face, index) => box(face, index, picture));
  const rows = picture.faces.map((face, index) => row(face, index, boxes[index]));
  boxes.forEach((one, index) => tie(one, rows[index]));
  const head = ["Face", "Emotion", "Share of raters"].map((name) => make("th", { scope: "col", textContent: name }));
  const table = make(
    "table",
    { className: "faces" },
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...rows),
  );
  return { boxes, table };
}

function box({ box: { x, y, width, height }, emotion }, index, picture) {
  const element = button("", null, { className: "face", "aria-label": `Face ${index + 1}, ${emotion}` });
  // Above the face where there is room, and inside the picture at its right border.
  const places = [y > picture.height / 12 ? "above" : "", x > 0.75 * picture.width ? "leftward" : ""];
  const text = width < picture.width / 12 ? `${index + 1}` : `${index + 1} ${emotion}`;
  element.append(make("span", { className: places.join(" ").trim(), textContent: text }));
  Object.assign(paint(element, emotion).style, {
    left: `${(100 * x) / picture.width}%`,
    top: `${(100 * y) / picture.height}%`,
    width: `${(100 * width) / picture.width}%`,
    height: `${(100 * height) / picture.height}%`,
  });
  return element;
}

function row(face, index, counterpart) {
  const number = button(
    `${index + 1}`,
    () => {
      counterpart.scrollIntoView({ block: "nearest" });
      counterpart.focus();
    },
    { className: "number", "aria-label": `Face ${index + 1}, show in the picture` },
  );
  const lead = make(
    "td",
    {},
    make("strong", {}, named(face.emotion)),
    ` ${percent(face.score)}`,
    make("p", { className: "soft small", textContent: `Valence ${valence(face.valence)}` }),
    make("p", { className: "soft small", textContent: quality(face) }),
  );
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, number),
    lead,
    make("td", { className: "wide-cell" }, bars(face.scores)),
  );
}

function tie(one, other) {
  const light = (lit) => {
    for (const part of [one, other]) part.classList.toggle("lit", lit);
  };
  for (const part of [one, other]) {
    for (const name of ["pointerenter", "focusin"]) part.addEventListener(name, () => light(true));
    for (const name of ["pointerleave", "focusout"]) part.addEventListener(name, () => light(false));
  }
  one.addEventListener("click", () => other.querySelector("button").focus());
}
