// Elements, made and found.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element; properties with a hyphen become attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const button = (text, onclick, properties = {}) =>
  make("button", { type: "button", textContent: text, onclick, ...properties });

/** Whether this service tells only how many faces show what: then there are no boxes, no jobs and no camera. */
export const countsOnly = document.body.dataset.answers === "counts";

/** Words for a screen reader and for the eye: what is going on. */
export const say = (text) => {
  $("#message").textContent = text;
};

export function sayError(text) {
  const place = $("#error");
  place.textContent = text;
  place.hidden = !text;
}

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
