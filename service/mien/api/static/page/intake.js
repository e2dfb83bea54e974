// Every way in which a file gets onto the page: dropped, pasted, chosen, photographed, or the sample.
import { $ } from "./dom.js";

const CLIP_NAMES = /\.(mp4|m4v|mov|mkv|webm|avi|ts|m2ts|mts|flv|mpe?g|3gp|ogv)$/i;

export const isClip = (file) => file.type.startsWith("video/") || CLIP_NAMES.test(file.name);

/** Calls `take` with the files. The whole page takes drops, so that no file replaces the page. */
export function watch(take) {
  const some = (files) => {
    if (files?.length) take([...files]);
  };
  for (const input of [$("#file"), $("#camera-file")]) {
    input.addEventListener("change", () => {
      some(input.files);
      input.value = "";
    });
  }
  $("#sample").addEventListener("click", async () => {
    const answer = await fetch("static/astronaut.jpg");
    take([new File([await answer.blob()], "astronaut.jpg", { type: "image/jpeg" })]);
  });
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("over", depth > 0);
  };
  document.addEventListener("dragenter", (event) => {
    event.preventDefault();
    over(1);
  });
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    some(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) event.preventDefault();
    some(event.clipboardData.files);
  });
}
