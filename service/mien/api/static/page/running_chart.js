// The last half minute of the person who has been in view longest, in shares of raters stacked up to 1.
/* global uPlot */
import { colour } from "./emotions.js";

const SECONDS = 30;
const HEIGHT = 120;

export class RunningChart {
  constructor(place) {
    this.place = place;
    this.rows = [];
    this.caption = document.createElement("p");
    this.caption.className = "soft small";
    place.replaceChildren(this.caption);
  }

  add({ time, faces }) {
    const face = faces.reduce((first, one) => (!first || one.person < first.person ? one : first), null);
    if (face && !this.plot) this.begin(Object.keys(face.scores));
    if (!this.plot) return;
    this.rows = [...this.rows.filter((row) => row.time > time - SECONDS), { time, face }];
    if (face) this.caption.textContent = `Person ${face.person}, the last ${SECONDS} seconds`;
    this.plot.setData([this.rows.map((row) => row.time), ...this.sums()]);
    this.plot.setScale("x", { min: time - SECONDS, max: time });
  }

  begin(labels) {
    this.labels = labels;
    const width = (this.place.clientWidth || 320) - 2;
    this.plot = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: [0, 1] } },
        axes: [{ show: false }, { show: false }],
        series: [{}, ...labels.map((label) => ({ fill: colour(label), width: 0, points: { show: false } })).reverse()],
      },
      [[], ...labels.map(() => [])],
      this.place,
    );
  }

  sums() {
    const columns = this.labels.map(() => []);
    for (const { face } of this.rows) {
      let sum = 0;
      this.labels.forEach((label, index) =>
        columns[index].push(face ? Math.min(1, (sum += face.scores[label])) : null),
      );
    }
    return columns.reverse();
  }
}
