// "Try it": a form for one operation, and its answer.
import { make } from "../page/dom.js";
import { keyHeaders } from "../page/key.js";
import { inline } from "./markdown.js";

const MOST = 20_000; // characters of an answer that are shown

export function trial(path, verb, operation, schemas) {
  const named = (operation.parameters ?? []).filter((parameter) => parameter.in === "path" || parameter.in === "query");
  const fields = named.map((parameter) => [parameter, field(parameter, schemas)]);
  const content = operation.requestBody?.content ?? {};
  const body = bodyField(content, schemas);
  const forms = Object.keys(operation.responses?.["200"]?.content ?? {});
  const accept =
    forms.length > 1 ? make("select", {}, ...forms.map((form) => make("option", { textContent: form }))) : null;
  const output = make("div", { className: "output whole", "aria-live": "polite" });
  const send = make("button", { type: "submit", className: "main", textContent: "Try it" });
  const stop = make("button", { type: "button", textContent: "Cancel", hidden: true });
  const form = make(
    "form",
    { className: "trial" },
    ...fields.map(([parameter, input]) => labelled(parameter.name, input, parameter.required)),
    accept ? labelled("Accept", accept) : null,
    body ? labelled(body.name, body.input, true, body.input.tagName === "TEXTAREA") : null,
    make("p", { className: "buttons" }, send, stop),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const cancelling = new AbortController();
    stop.onclick = () => cancelling.abort();
    [send.disabled, stop.hidden] = [true, false];
    output.replaceChildren(make("p", { className: "soft", textContent: "Waiting for the answer …" }));
    const started = performance.now();
    try {
      const response = await fetch(target(path, fields), {
        method: verb.toUpperCase(),
        signal: cancelling.signal,
        body: body?.read(),
        headers: {
          ...keyHeaders(),
          ...(accept ? { Accept: accept.value } : {}),
          ...(body?.type ? { "Content-Type": body.type } : {}),
        },
      });
      output.replaceChildren(...(await shown(response, started)));
    } catch (error) {
      const said = error.name === "AbortError" ? "Cancelled." : "The server does not answer.";
      output.replaceChildren(make("p", { className: "error", textContent: said }));
    } finally {
      [send.disabled, stop.hidden] = [false, true];
    }
  });
  return [form, output];
}

function labelled(name, input, required = false, whole = false) {
  input.required = required;
  return make(
    "label",
    { className: whole ? "whole" : "" },
    make("span", {}, ...inline(`\`${name}\`${required ? " (required)" : ""}`)),
    input,
  );
}

function field({ schema, example, description = "" }, schemas) {
  const choices = schemas.choices(schema);
  const fallback = schema.default ?? null;
  if (choices) {
    const first = make("option", { value: "", textContent: fallback === null ? "not set" : `default (${fallback})` });
    return make(
      "select",
      { title: description },
      first,
      ...choices.map((choice) => make("option", { value: `${choice}`, textContent: `${choice}` })),
    );
  }
  const found = schemas.resolve(schema);
  const numeric = found.type === "number" || found.type === "integer";
  const input = make("input", {
    type: numeric ? "number" : "text",
    title: description,
    placeholder: fallback === null ? `${example ?? found.examples?.[0] ?? ""}` : `${fallback}`,
  });
  if (numeric) input.step = found.type === "integer" ? "1" : "any";
  return input;
}

/** The field for the body: a file where one can be sent, else JSON. */
function bodyField(content, schemas) {
  const form = content["multipart/form-data"]?.schema;
  if (form) {
    const [[name, schema]] = Object.entries(schemas.resolve(form).properties);
    const input = make("input", { type: "file", multiple: schemas.resolve(schema).type === "array" });
    const read = () => {
      const data = new FormData();
      for (const file of input.files) data.append(name, file);
      return data;
    };
    return { name, input, read };
  }
  const json = content["application/json"];
  if (!json) return null;
  const input = make("textarea", {
    spellcheck: false,
    value: JSON.stringify(json.example ?? schemas.example(json.schema), null, 2),
  });
  return { name: "JSON body", input, read: () => input.value, type: "application/json" };
}

function target(path, fields) {
  const query = new URLSearchParams();
  let address = path.slice(1);
  for (const [{ name, in: place }, input] of fields) {
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.set(name, input.value);
  }
  return query.size ? `${address}?${query}` : address;
}

async function shown(response, started) {
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const blob = await response.blob();
  const took = Math.round(performance.now() - started);
  const head = make(
    "p",
    {},
    make("strong", { textContent: `${response.status} ${response.statusText}` }),
    ` ${type}, ${blob.size.toLocaleString("en")} bytes in ${took} ms`,
  );
  const address = () => URL.createObjectURL(blob);
  if (type.startsWith("image/")) return [head, make("img", { src: address(), alt: "The answer" })];
  if (type.startsWith("video/"))
    return [head, make("video", { src: address(), controls: true, "aria-label": "The answer" })];
  let text = await blob.text();
  if (/[/+]json$/.test(type)) text = JSON.stringify(JSON.parse(text), null, 2);
  const pre = make("pre", { tabIndex: 0, "aria-label": "Answer", textContent: text.slice(0, MOST) });
  if (text.length <= MOST) return [head, pre];
  const rest = make("a", {
    href: address(),
    download: `answer.${type.split(/[/+]/).pop()}`,
    textContent: "Save all of it",
  });
  return [head, pre, make("p", { className: "soft" }, "Only the beginning is shown. ", rest)];
}
