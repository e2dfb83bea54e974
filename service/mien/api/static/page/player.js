// The clip with boxes drawn in step with its frames.
import { told } from "./api.js";
import { make, say, sayError } from "./dom.js";
import { colour, ink } from "./emotions.js";

export class Player {
  /** `file` is the clip, or null where only the analysis is left. */
  constructor(answer, names, { file, again, signal }) {
    this.answer = answer;
    this.names = names;
    this.onTime = () => {};
    this.gap = 2.5 * spacing(answer.timeline);
    this.video = make("video", {
      controls: true,
      playsInline: true,
      muted: true,
      "aria-label": "The clip, with boxes on faces",
    });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.element = make("figure", { className: "stage" }, this.video, this.canvas);
    signal.addEventListener("abort", () => {
      this.video.pause();
      URL.revokeObjectURL(this.video.src);
    });
    names.watchers.push(() => this.draw());
    for (const event of ["seeked", "loadeddata", "timeupdate"]) this.video.addEventListener(event, () => this.tick());
    this.video.requestVideoFrameCallback?.(this.frame);
    if (file) this.load(file, again);
    else this.choose();
  }

  frame = (_, { mediaTime }) => {
    this.tick(mediaTime);
    this.video.requestVideoFrameCallback(this.frame);
  };

  load(file, again) {
    this.video.onerror = () => this.fallBack(again);
    this.video.src = URL.createObjectURL(file);
  }

  /** Where the browser cannot play the file, the service's annotated copy, which has the boxes in it. */
  async fallBack(again) {
    this.video.onerror = null;
    say("This browser cannot play the file; Mien is writing a copy that it can …");
    try {
      const copy = await again("video/mp4");
      this.canvas.hidden = true;
      this.video.src = URL.createObjectURL(copy);
      say("This browser cannot play the file: the annotated copy is shown.");
    } catch (error) {
      sayError(told(error));
    }
  }

  /** Asks for the clip: after a reload, only the analysis is left. */
  choose() {
    this.video.hidden = true;
    const input = make("input", { type: "file", accept: "video/*,.mkv" });
    const label = make("label", { className: "button" }, input, "Choose the clip again to see it here");
    input.addEventListener("change", () => {
      if (!input.files.length) return;
      label.remove();
      this.video.hidden = false;
      this.video.src = URL.createObjectURL(input.files[0]);
    });
    this.element.prepend(label);
  }

  seek(time) {
    this.video.currentTime = Math.max(0, time);
    this.onTime(time);
  }

  tick(time = this.video.currentTime) {
    this.time = time;
    this.draw();
    this.onTime(time);
  }

  draw() {
    const { width, height } = this.answer.video;
    const scale = Math.min(1, 1280 / width);
    if (this.canvas.width !== Math.round(width * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const unit = width / (this.canvas.clientWidth || width); // one CSS pixel in pixels of the frame
    for (const face of facesAt(this.answer.timeline, this.time ?? 0, this.gap)) {
      const name = this.names.short(face.person);
      // In a crowd the labels of small faces would cover each other.
      drawBox(context, face, face.box.width > 60 * unit ? `${name} ${face.emotion}` : name, unit, width);
    }
  }
}

/** A box and its label; `unit` is one CSS pixel in the context's pixels. */
export function drawBox(context, { box, emotion }, text, unit, width) {
  for (const [style, line] of [
    ["#000", 5],
    [colour(emotion), 3],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = line * unit;
    context.strokeRect(box.x, box.y, box.width, box.height);
  }
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const room = context.measureText(text).width + 8 * unit;
  const left = Math.max(0, Math.min(box.x, width - room));
  const top = Math.max(0, box.y - 19 * unit);
  context.fillStyle = colour(emotion);
  context.fillRect(left, top, room, 19 * unit);
  context.fillStyle = ink(emotion);
  context.fillText(text, left + 4 * unit, top + 14 * unit);
}

function spacing(timeline) {
  return timeline.length > 1 ? (timeline.at(-1).time - timeline[0].time) / (timeline.length - 1) : 1;
}

/** The faces at `time`: their boxes move evenly between two analysed frames that are at most `gap` seconds apart. */
function facesAt(timeline, time, gap) {
  let low = 0;
  let high = timeline.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeline[middle].time <= time + 1e-3) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [timeline[low - 1], timeline[low]];
  if (!before || time - before.time > gap) return [];
  const share = after && after.time - before.time <= gap ? (time - before.time) / (after.time - before.time) : 0;
  return before.faces.map((face) => {
    const next = share > 0 && after.faces.find(({ person }) => person === face.person);
    if (!next) return face;
    const mixed = Object.fromEntries(
      Object.entries(face.box).map(([side, from]) => [side, from + share * (next.box[side] - from)]),
    );
    return { ...face, box: mixed };
  });
}
