// Renders openapi.json. Our own page, because it has to work offline.
import { $, make } from "../page/dom.js";
import { savedKey, saveKey } from "../page/key.js";
import { blocks, inline } from "./markdown.js";
import { Schemas } from "./schema.js";
import { trial } from "./trial.js";

$("#key").value = savedKey();
$("#key").addEventListener("input", (event) => saveKey(event.target.value.trim()));

try {
  const response = await fetch("openapi.json");
  show(await response.json());
  $("#message").textContent = "";
} catch {
  $("#message").textContent =
    "openapi.json could not be loaded. Check that the server is running, then reload this page.";
}

function show(specification) {
  const schemas = new Schemas(specification);
  const byTag = new Map();
  for (const [path, verbs] of Object.entries(specification.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const tag = operation.tags?.[0] ?? "other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationOf(path, verb, operation, schemas)]);
    }
  }
  $("#operations").replaceChildren(
    ...[...byTag].flatMap(([tag, operations]) => [
      make("h2", { textContent: tag[0].toUpperCase() + tag.slice(1) }),
      ...operations,
    ]),
  );
  $("#schemas").replaceChildren(
    ...Object.entries(schemas.all).map(([name, schema]) =>
      make(
        "details",
        { id: name },
        make("summary", { textContent: name }),
        ...blocks(schema.description ?? ""),
        schema.enum
          ? make("p", {}, ...inline(schema.enum.map((one) => `\`${one}\``).join(", ")))
          : fields(schema, schemas),
      ),
    ),
  );
}

function operationOf(path, verb, operation, schemas) {
  const details = make(
    "details",
    {},
    make(
      "summary",
      {},
      make("span", { className: "verb", textContent: verb.toUpperCase() }),
      make("code", { textContent: path }),
      make("span", { className: "soft", textContent: operation.summary ?? "" }),
    ),
  );
  // What is inside is made when it is looked at.
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(...inside(path, verb, operation, schemas));
  });
  return details;
}

function inside(path, verb, operation, schemas) {
  const parameters = operation.parameters ?? [];
  const bodies = Object.keys(operation.requestBody?.content ?? {});
  return [
    ...blocks(operation.description ?? operation.summary ?? ""),
    ...(parameters.length
      ? [
          make("h3", { textContent: "Options" }),
          grid(
            ["Option", "In", "Type", "Meaning"],
            parameters.map(({ name, in: place, schema, description }) => [
              `\`${name}\``,
              place,
              schemas.kind(schema),
              description ?? schema.description ?? "",
            ]),
          ),
        ]
      : []),
    ...(bodies.length ? [make("p", {}, ...inline(`Body: ${bodies.map((body) => `\`${body}\``).join(", ")}`))] : []),
    make("h3", { textContent: "Answers" }),
    grid(
      ["Status", "When", "Form"],
      Object.entries(operation.responses ?? {}).map(([status, { description, content }]) => [
        status,
        description,
        Object.keys(content ?? {}).join(", "),
      ]),
    ),
    ...example(operation, schemas),
    make("h3", { textContent: "Try it" }),
    ...trial(path, verb, operation, schemas),
  ];
}

function example(operation, schemas) {
  const [status, answer] = Object.entries(operation.responses ?? {}).find(([code]) => code.startsWith("2")) ?? [];
  const json = answer?.content?.["application/json"];
  const value = json && (json.example ?? schemas.example(json.schema));
  if (!value || !Object.keys(value).length) return [];
  return [
    make(
      "details",
      {},
      make("summary", { textContent: `An example answer (${status})` }),
      make("pre", {
        tabIndex: 0,
        "aria-label": "Example answer",
        className: "example",
        textContent: JSON.stringify(value, null, 2),
      }),
    ),
  ];
}

function fields(schema, schemas) {
  return grid(
    ["Field", "Type", "Meaning"],
    Object.entries(schema.properties ?? {}).map(([name, one]) => [
      `\`${name}\``,
      schemas.kind(one),
      one.description ?? "",
    ]),
  );
}

function grid(head, rows) {
  if (!rows.length) return make("span");
  return make(
    "div",
    { className: "scroll" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col", textContent: text })))),
      make(
        "tbody",
        {},
        ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, ...inline(`${text}`))))),
      ),
    ),
  );
}
