// JSON schemas in words, and examples made of them.

const HINTS = {
  request_id: "8abe7d22dc7e4f39b0624dda64b565e9",
  index: 0,
  name: "photo.jpg",
  width: 512,
  height: 512,
  box: { x: 177.14, y: 60.15, width: 95.73, height: 114.15 },
  landmarks: {
    right_eye: [201.76, 102.71],
    left_eye: [246.31, 102.89],
    nose: [223.25, 126.25],
    right_mouth: [204.91, 143.81],
    left_mouth: [242.8, 143.96],
  },
  confidence: 0.96,
  emotion: "happy",
  dominant: "happy",
  score: 0.93,
  uncertain: false,
  valence: 0.76,
  ok: true,
  reasons: [],
  warnings: [],
  error: null,
  sharpness: 0.64,
  brightness: 0.57,
  size: 96,
  pose: 0.02,
  total: 10.3,
  person: 1,
  time: 0.2,
  frame: 5,
  codec: "h264",
  rotation: 0,
  duration: 2,
  frames_decoded: 50,
  frames_analyzed: 10,
  first_seen: 0,
  last_seen: 0.8,
  screen_time: 1,
  start: 0,
  end: 1,
  mean_score: 0.93,
  peak_time: 0.4,
  mean: 0.5,
  max: 1,
  queue: 0.3,
  decode: 3.5,
  detect: 4.8,
  classify: 0.9,
  id: "0b6ad2a2-5a0d-4b4b-9b57-8fd24f0f5f4e",
  scores: { neutral: 0.05, happy: 0.93, surprise: 0.02, sad: 0, angry: 0, disgust: 0, fear: 0, contempt: 0 },
  mean_scores: { neutral: 0.05, happy: 0.93, surprise: 0.02, sad: 0, angry: 0, disgust: 0, fear: 0, contempt: 0 },
  share: { neutral: 0, happy: 1, surprise: 0, sad: 0, angry: 0, disgust: 0, fear: 0, contempt: 0 },
  models: { emotion: "4", "face-detector": "2" },
};

export class Schemas {
  constructor(specification) {
    this.all = specification.components?.schemas ?? {};
  }

  resolve(schema = {}) {
    return schema.$ref ? { ...this.all[schema.$ref.split("/").pop()], ...schema, $ref: undefined } : schema;
  }

  /** The values of an enum, whether it is named or not; undefined for other schemas. */
  choices(schema) {
    const found = this.resolve(schema);
    return found.enum ?? (found.type === "boolean" ? [true, false] : undefined);
  }

  /** The type and default in a few words. */
  kind(schema) {
    const fallback = schema.default === undefined || schema.default === null ? "" : `, default ${schema.default}`;
    return this.form(schema) + fallback;
  }

  form(schema) {
    if (schema.$ref && !this.resolve(schema).enum) return schema.$ref.split("/").pop();
    const found = this.resolve(schema);
    if (found.const !== undefined) return `${found.const}`;
    if (found.enum) return found.enum.join(" | ");
    const several = found.anyOf ?? found.oneOf;
    if (several) return several.map((one) => this.form(one)).join(" or ");
    if (found.prefixItems) return `list of ${found.prefixItems.map((one) => this.form(one)).join(", ")}`;
    if (found.type === "array") return `list of ${this.form(found.items ?? {})}`;
    const [least, most] = [found.minimum ?? found.exclusiveMinimum, found.maximum];
    const range = [least === undefined ? "" : ` from ${least}`, most === undefined ? "" : ` to ${most}`].join("");
    return `${found.type ?? "any"}${range}`;
  }

  /** A value that the schema allows. */
  example(schema, name = "", depth = 0) {
    const found = this.resolve(schema);
    if (found.example !== undefined) return found.example;
    if (found.examples?.length) return found.examples[0];
    if (name in HINTS && fits(HINTS[name], found)) return structuredClone(HINTS[name]);
    if (found.const !== undefined) return found.const;
    if (found.enum) return found.enum[0];
    const several = found.anyOf ?? found.oneOf;
    if (several) return this.example(several.find((one) => one.type !== "null") ?? several[0], name, depth);
    if (depth > 8) return null;
    if (found.prefixItems) return found.prefixItems.map((one) => this.example(one, "", depth + 1));
    if (found.type === "array") return [this.example(found.items ?? {}, name.replace(/s$/, ""), depth + 1)];
    if (found.type === "object" || found.properties) {
      return Object.fromEntries(
        Object.entries(found.properties ?? {}).map(([key, one]) => [key, this.example(one, key, depth + 1)]),
      );
    }
    if (found.default !== undefined) return found.default;
    return (
      { integer: found.minimum ?? 1, number: found.minimum ?? 0.5, boolean: true, null: null }[found.type] ?? "text"
    );
  }
}

/** Whether a hint is a value of the schema, as far as a look at its type tells. */
function fits(hint, schema) {
  if (schema.enum) return schema.enum.includes(hint);
  if (schema.properties) return Object.keys(schema.properties).every((key) => Object.hasOwn(hint ?? {}, key));
  const type = hint === null ? "null" : Array.isArray(hint) ? "array" : typeof hint;
  return (schema.anyOf ?? [schema]).some((one) =>
    one.type === "integer" ? Number.isInteger(hint) : (one.type ?? type) === type,
  );
}
