/** WebVTT subtitles: who shows what, from one change to the next. */
export function vtt(answer, names) {
  const cues = answer.people.flatMap(({ person, segments }) =>
    segments.map(({ start, end, emotion }) => ({ start, end, text: `${plain(names.of(person))}: ${emotion}` })),
  );
  cues.sort((one, other) => one.start - other.start || one.end - other.end);
  return (
    ["WEBVTT", ...cues.map(({ start, end, text }) => `${stamp(start)} --> ${stamp(end)}\n${text}`)].join("\n\n") + "\n"
  );
}

const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function stamp(time) {
  const [hours, minutes] = [Math.floor(time / 3600), Math.floor(time / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return `${two(hours)}:${two(minutes)}:${(time % 60).toFixed(3).padStart(6, "0")}`;
}
