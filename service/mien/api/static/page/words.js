// Numbers and codes of the answers, in words.

const REASONS = {
  small: "too small to judge well",
  blurred: "blurred",
  dark: "too dark",
  bright: "too bright",
  turned: "turned away",
  cut: "cut off by the border",
};

export const percent = (share) => `${Math.round(100 * share)} %`;

export const seconds = (time) => {
  const whole = Math.floor(time / 60);
  const rest = (time - 60 * whole).toFixed(1);
  return whole ? `${whole}:${rest.padStart(4, "0")}` : `${rest} s`;
};

export function quality(face) {
  const reasons = face.quality.reasons.map((reason) => REASONS[reason] ?? reason);
  const words = reasons.length ? `Hard to judge: ${reasons.join(", ")}.` : "Well visible.";
  return face.uncertain ? `${words} Raters would disagree.` : words;
}

export function valence(value) {
  const word = value > 0.25 ? "pleasant" : value < -0.25 ? "unpleasant" : "neither pleasant nor unpleasant";
  return `${value > 0 ? "+" : ""}${value.toFixed(2)}, ${word}`;
}
