// The API key: asked for once, and kept for the session of this tab.
import { $ } from "./dom.js";

const PLACE = "mien.key";
let asking = null;

export const savedKey = () => sessionStorage.getItem(PLACE) ?? "";

export function saveKey(key) {
  if (key) sessionStorage.setItem(PLACE, key);
  else sessionStorage.removeItem(PLACE);
}

export const keyHeaders = () => (savedKey() ? { "X-API-Key": savedKey() } : {});

/** Asks for a key unless another request is asking already; false if the person would rather not. */
export function askForKey(refused) {
  // Another request has been given a key since this one was sent.
  if (refused !== savedKey()) return Promise.resolve(true);
  asking ??= ask(refused).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(refused) {
  const dialog = $("#key-dialog");
  const field = $("#key");
  $("#key-reason").textContent = refused
    ? "This service does not know that key. Check it, or ask the operator for one."
    : "The operator of this service gives out keys.";
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const given = dialog.returnValue === "send" ? field.value.trim() : "";
        saveKey(given);
        resolve(Boolean(given));
      },
      { once: true },
    );
  });
}
