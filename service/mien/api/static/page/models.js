// The models' cards, from GET /models.
import { requestJson, told } from "./api.js";
import { $, button, make } from "./dom.js";

const LEADING = ["dataset", "licence", "recipe"];
const HIDDEN = new Set(["name", "version", "file", "sha256"]);
const words = (name) => name.replaceAll("_", " ");

async function load() {
  const place = $("#models");
  place.replaceChildren(make("p", { role: "status", textContent: "Loading the models …" }));
  try {
    const { models } = await requestJson("models");
    place.replaceChildren(
      make("h2", { textContent: "Models" }),
      make(
        "p",
        {},
        "Both models run on this server. ",
        make("a", { href: "#notice", textContent: "What their scores mean" }),
        ", and where the law forbids their use.",
      ),
      ...models.map(card),
    );
  } catch (error) {
    place.replaceChildren(
      make("h2", { textContent: "Models" }),
      make("p", { className: "error", role: "alert", textContent: told(error) }),
      button("Try again", load),
    );
  }
}

function card({ name, version, active, card: manifest }) {
  const rest = Object.entries(manifest).filter(([key]) => !HIDDEN.has(key) && !LEADING.includes(key));
  const simple = rest.filter(([, value]) => typeof value !== "object");
  const tables = rest.filter(([, value]) => typeof value === "object");
  return make(
    "article",
    { className: "item", "aria-label": name },
    make(
      "header",
      {},
      make("h2", { textContent: `${name}, version ${version}` }),
      make("span", { className: "soft", textContent: active ? "in use" : "not in use" }),
    ),
    list([...LEADING.filter((key) => manifest[key]).map((key) => [key, manifest[key]]), ...simple]),
    ...tables.map(([key, value]) =>
      make("details", { open: key === "metrics" }, make("summary", { textContent: words(key) }), list(entries(value))),
    ),
  );
}

const list = (pairs) =>
  make(
    "dl",
    { className: "figures" },
    ...pairs.flatMap(([key, value]) => [make("dt", { textContent: words(key) }), make("dd", {}, shown(value))]),
  );

const entries = (value) =>
  Array.isArray(value) ? value.map((one, index) => [`${one?.name ?? index + 1}`, one]) : Object.entries(value);

function shown(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object")) return value.join(", ");
  return list(entries(value));
}

await load();
