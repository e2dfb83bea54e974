// The charts of a clip's people, one below the other with one time axis: the shares of raters, stacked up to 1.
/* global uPlot */
import { make } from "./dom.js";
import { colour } from "./emotions.js";
import { seconds } from "./words.js";

const HEIGHT = 110;
const LINE = getComputedStyle(document.documentElement).getPropertyValue("--ink") || "#000";

export class Charts {
  constructor(answer, seek) {
    this.answer = answer;
    this.seek = seek;
    this.length = Math.max(answer.video.duration, answer.timeline.at(-1)?.time ?? 0, 0.1);
    const first = answer.timeline[0]?.time ?? 0;
    this.whole = [Math.min(first, this.length), this.length];
    this.range = this.whole;
    this.time = 0;
    this.plots = [];
    this.observer = new ResizeObserver(() => this.resize());
  }

  /** The chart of one person, as an element. */
  add(person) {
    const labels = Object.keys(person.mean_scores);
    const place = make("div", {
      className: "chart",
      role: "img",
      "aria-label": `Timeline of person ${person.person}, mostly ${person.dominant}; its segments follow as buttons`,
    });
    const plot = new uPlot(this.settings(labels), stacked(this.answer.timeline, person.person, labels), place);
    plot.over.addEventListener("click", (event) => {
      const box = plot.over.getBoundingClientRect();
      if (!this.dragged) this.seek(plot.posToVal(event.clientX - box.left, "x"));
      this.dragged = false;
    });
    this.plots.push({ plot, place });
    this.observer.observe(place);
    return place;
  }

  settings(labels) {
    return {
      width: 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: false, range: () => this.range }, y: { range: [0, 1] } },
      axes: [
        {
          stroke: LINE,
          size: 24,
          grid: { show: false },
          ticks: { show: false },
          values: (_, times) => times.map(seconds),
        },
        {
          stroke: LINE,
          size: 44,
          grid: { show: false },
          ticks: { show: false },
          splits: [0, 0.5, 1],
          values: (_, shares) => shares.map((share) => `${100 * share} %`),
        },
      ],
      // The largest sum first, so that each smaller one is drawn over it.
      series: [
        {},
        ...labels
          .map((label) => ({ fill: colour(label), stroke: "#000", width: 0.5, points: { show: false } }))
          .reverse(),
      ],
      hooks: {
        draw: [(plot) => this.drawMark(plot)],
        setSelect: [(plot) => this.select(plot)],
      },
    };
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    this.dragged = true;
    this.show([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  /** Shows `factor` times the seconds that are shown, around the playing time. */
  zoom(factor) {
    const [start, end] = this.range;
    const span = Math.min((end - start) * factor, this.whole[1] - this.whole[0]);
    const middle = Math.min(Math.max(this.time, start), end);
    const from = Math.min(Math.max(middle - span / 2, this.whole[0]), this.whole[1] - span);
    this.show([from, from + span]);
  }

  show([start, end]) {
    if (end - start < 0.2) return;
    this.range = [Math.max(start, this.whole[0]), Math.min(end, this.whole[1])];
    for (const { plot } of this.plots) plot.setScale("x", { min: this.range[0], max: this.range[1] });
  }

  /** Marks the playing time. */
  mark(time) {
    this.time = time;
    for (const { plot } of this.plots) plot.redraw(false);
  }

  drawMark(plot) {
    if (this.time < this.range[0] || this.time > this.range[1]) return;
    const { ctx, bbox } = plot;
    const x = plot.valToPos(this.time, "x", true);
    ctx.fillStyle = "#000";
    ctx.fillRect(x - 3, bbox.top, 6, bbox.height);
    ctx.fillStyle = "#fff";
    ctx.fillRect(x - 1, bbox.top, 2, bbox.height);
  }

  resize() {
    for (const { plot, place } of this.plots) {
      const width = place.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }
  }
}

/** uPlot's columns: the times, and the sums of the shares, the largest sum first; null where the person is absent. */
function stacked(timeline, person, labels) {
  const columns = labels.map(() => []);
  for (const { faces } of timeline) {
    const face = faces.find((one) => one.person === person);
    let sum = 0;
    labels.forEach((label, index) => {
      sum += face?.scores[label] ?? 0;
      columns[index].push(face ? Math.min(sum, 1) : null);
    });
  }
  return [timeline.map(({ time }) => time), ...columns.reverse()];
}
