// Renders openapi.json. Our own page, because it has to work offline.
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const specification = await (await fetch("openapi.json")).json();
const byTag = new Map();
for (const [path, verbs] of Object.entries(specification.paths)) {
  for (const [verb, operation] of Object.entries(verbs)) {
    const tag = operation.tags?.[0] ?? "other";
    byTag.set(tag, [...(byTag.get(tag) ?? []), render(path, verb, operation)]);
  }
}
document.querySelector("#operations").replaceChildren(
  ...[...byTag].flatMap(([tag, operations]) => [make("h2", { textContent: tag }), ...operations]),
);
document.querySelector("#schemas").replaceChildren(
  ...Object.entries(specification.components?.schemas ?? {}).map(([name, schema]) =>
    make("details", { id: name }, make("summary", { textContent: name }),
      make("p", { textContent: schema.description ?? "" }), fields(schema))),
);

function render(path, verb, operation) {
  const summary = make("summary", {},
    make("span", { className: "verb", textContent: verb.toUpperCase() }), make("code", { textContent: path }));
  const details = make("details", {}, summary, make("p", { textContent: operation.description ?? operation.summary }));
  if (operation.parameters) details.append(parameters(operation.parameters));
  const bodies = Object.keys(operation.requestBody?.content ?? {});
  if (bodies.length) details.append(make("p", { textContent: `Body: ${bodies.join(", ")}` }));
  details.append(answers(operation.responses ?? {}), trial(path, verb, operation, bodies));
  return details;
}

function parameters(list) {
  const rows = list.map(({ name, in: place, schema, description }) =>
    [name, place, kind(schema), description ?? schema.description ?? ""]);
  return grid(["Option", "In", "Type", "Meaning"], rows);
}

function answers(responses) {
  const rows = Object.entries(responses).map(([status, { description, content }]) =>
    [status, description, Object.keys(content ?? {}).join(", ")]);
  return grid(["Status", "When", "Form"], rows);
}

function fields(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, kind(field), field.description ?? ""]);
  return grid(["Field", "Type", "Meaning"], rows);
}

function kind(schema = {}) {
  const fallback = schema.default === undefined || schema.default === null ? "" : `, default ${schema.default}`;
  return shape(schema) + fallback;
}

function shape(schema) {
  if (schema.$ref) {
    const target = schema.$ref.split("/").pop();
    const found = specification.components.schemas[target];
    return found?.enum ? found.enum.join(" | ") : target;
  }
  if (schema.anyOf) return schema.anyOf.map(shape).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return `list of ${shape(schema.items ?? {})}`;
  const range = [schema.minimum ?? schema.exclusiveMinimum, schema.maximum].filter((end) => end !== undefined);
  return `${schema.type ?? "any"}${range.length ? ` ${range.join(" to ")}` : ""}`;
}

function grid(head, rows) {
  if (!rows.length) return make("span");
  const cells = (tag) => (texts) => make("tr", {}, ...texts.map((text) => make(tag, { textContent: text })));
  return make("table", {}, make("thead", {}, cells("th")(head)), make("tbody", {}, ...rows.map(cells("td"))));
}

function trial(path, verb, operation, bodies) {
  const form = make("form");
  const named = (operation.parameters ?? []).filter((parameter) => parameter.in !== "header");
  const inputs = named.map(({ name }) => make("input", { type: "text", name, placeholder: name, ariaLabel: name }));
  const file = bodies.includes("multipart/form-data") ? [make("input", { type: "file", ariaLabel: "file", multiple: true })] : [];
  const output = make("pre", { hidden: true });
  form.append(...inputs, ...file, make("button", { textContent: "Try it" }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.hidden = false;
    output.textContent = await send(path, verb, named, inputs, file[0]);
  });
  return make("div", {}, form, output);
}

async function send(path, verb, named, inputs, file) {
  const query = new URLSearchParams();
  let target = path.slice(1);
  inputs.forEach(({ value }, index) => {
    const { name, in: place } = named[index];
    if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(name, value);
  });
  const key = document.querySelector("#key").value;
  const request = { method: verb.toUpperCase(), headers: key ? { "X-API-Key": key } : {} };
  if (file) {
    request.body = new FormData();
    for (const one of file.files) request.body.append("file", one);
  }
  const suffix = query.size ? `?${query}` : "";
  try {
    const response = await fetch(target + suffix, request);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return `${response.status} ${response.statusText}\n${isJson ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
  } catch (error) {
    return error.message;
  }
}
