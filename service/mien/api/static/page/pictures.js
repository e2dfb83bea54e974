// One picture: what is shown of it, and what can be saved.
import { isJson, told, Trouble, upload } from "./api.js";
import { button, count, make, say, sayError } from "./dom.js";
import { facesOf } from "./faces.js";
import { chosen } from "./options.js";
import { csv, saveButton, stem } from "./saving.js";

/** Analyses `file` and fills `item`; the number of faces. */
export async function showPicture(file, item, signal) {
  const options = chosen(false);
  const response = await upload("predict", file, { accept: "application/json", query: options, signal });
  if (!isJson(response))
    throw new Trouble("Something between this page and Mien answered in its place.", response.status);
  const answer = await response.json();
  signal.throwIfAborted();
  const [picture] = answer.images;
  const { boxes, table } = facesOf(picture);
  const image = make("img", { alt: `${file.name}: ${count(picture.faces.length, "face")}` });
  const stage = make("figure", { className: "stage" }, image, ...boxes);
  const drawn = (accept, more = {}) =>
    upload("predict", file, { accept, query: { ...options, ...more }, signal }).then((one) => one.blob());
  const shown = source(file, image, stage, drawn, signal);
  const timing =
    `${count(picture.faces.length, "face")}, ${picture.width} × ${picture.height} px, ` +
    `analysed in ${Math.round(answer.timing_ms.total)} ms`;
  const name = stem(file.name);
  const tools = make(
    "p",
    { className: "buttons" },
    picture.faces.length ? explanation(image, stage, shown, drawn) : null,
    "Save:",
    saveButton("Annotated picture", `${name}.annotated.png`, () => drawn("image/png")),
    saveButton("Redacted picture", `${name}.redacted.png`, () => drawn("image/png", { redact: true })),
    saveButton("JSON", `${name}.json`, () => JSON.stringify(answer, null, 2), "application/json"),
    saveButton("CSV", `${name}.csv`, () => csv(tableRows(file.name, picture)), "text/csv"),
  );
  const warnings = picture.warnings.map((text) => make("p", { className: "soft", textContent: text }));
  item.append(
    make(
      "div",
      { className: "columns" },
      make(
        "div",
        { className: "seen" },
        stage,
        make("p", { className: "soft", textContent: timing }),
        ...warnings,
        tools,
      ),
      picture.faces.length
        ? table
        : make("p", {
            textContent:
              "No face was found. The detector accurate, under Options, also finds tiny and turned ones.",
          }),
    ),
  );
  return picture.faces.length;
}

/** Shows the file itself or, where the browser cannot (HEIC, TIFF), the server's JPEG, which has the boxes in it. */
function source(file, image, stage, drawn, signal) {
  const original = URL.createObjectURL(file);
  signal.addEventListener("abort", () => URL.revokeObjectURL(original));
  const state = { address: original, drawn: false };
  image.onerror = async () => {
    if (state.address !== original) return;
    try {
      state.address = URL.createObjectURL(await drawn("image/jpeg"));
      state.drawn = true;
      stage.classList.add("drawn");
      image.src = state.address;
    } catch (error) {
      sayError(told(error));
    }
  };
  image.src = original;
  return state;
}

function explanation(image, stage, shown, drawn) {
  let address = null;
  return button(
    "Explain",
    async (event) => {
      const pressed = event.currentTarget;
      const on = pressed.getAttribute("aria-pressed") !== "true";
      pressed.disabled = true;
      try {
        if (on) address ??= URL.createObjectURL(await drawn("image/png", { explain: true }));
        image.src = on ? address : shown.address;
        stage.classList.toggle("drawn", on || shown.drawn);
        pressed.setAttribute("aria-pressed", String(on));
        say(on ? "Warm colours: the parts of each face that the label rests on." : "");
      } catch (error) {
        sayError(told(error));
      } finally {
        pressed.disabled = false;
      }
    },
    { "aria-pressed": "false", title: "Which parts of a face the label rests on" },
  );
}

function tableRows(name, picture) {
  const labels = Object.keys(picture.faces[0]?.scores ?? {});
  const head = [
    "picture",
    "face",
    "x",
    "y",
    "width",
    "height",
    "confidence",
    "emotion",
    "score",
    "uncertain",
    "valence",
    "quality_ok",
    "quality_reasons",
    ...labels,
  ];
  return [
    head,
    ...picture.faces.map((face, index) => [
      name,
      index + 1,
      face.box.x,
      face.box.y,
      face.box.width,
      face.box.height,
      face.confidence,
      face.emotion,
      face.score,
      face.uncertain,
      face.valence,
      face.quality.ok,
      face.quality.reasons.join(" "),
      ...labels.map((label) => face.scores[label]),
    ]),
  ];
}
