// Files for the person: downloads, and the clipboard.
import { button, say, sayError } from "./dom.js";
import { told } from "./api.js";

export function save(name, content, type = "application/octet-stream") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A button that saves what `content` gives, which may take a while. */
export function saveButton(text, name, content, type) {
  return button(text, async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    say(`Preparing ${name} …`);
    sayError("");
    try {
      save(name, await content(), type);
      say(`${name} is saved.`);
    } catch (error) {
      say("");
      sayError(told(error));
    } finally {
      pressed.disabled = false;
    }
  });
}

export const stem = (name) => name.replace(/\.[^.]*$/, "") || name;

/** Rows of cells as CSV (RFC 4180). */
export function csv(rows) {
  const cell = (value) => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}
