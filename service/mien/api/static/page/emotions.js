// One colour per emotion: those of mien.render.palette, which draws the pictures, clips and plots (a test compares them).

export const COLOURS = {
  neutral: "#D0D0D0",
  happy: "#F0E442",
  surprise: "#E69F00",
  sad: "#0072B2",
  angry: "#D55E00",
  disgust: "#009E73",
  fear: "#CC79A7",
  contempt: "#56B4E9",
};

export const colour = (emotion) => COLOURS[emotion] ?? COLOURS.neutral;

/** Black or white: the one with more contrast to the emotion's colour (WCAG 2). */
export function ink(emotion) {
  const linear = (at) => {
    const channel = parseInt(colour(emotion).slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
  return (luminance + 0.05) ** 2 > 0.05 * 1.05 ? "#000" : "#fff";
}

/** Sets the custom properties by which the style sheets colour `element`. */
export function paint(element, emotion) {
  element.style.setProperty("--emotion", colour(emotion));
  element.style.setProperty("--emotion-ink", ink(emotion));
  return element;
}
