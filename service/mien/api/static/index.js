const drop = document.querySelector("#drop");
const message = document.querySelector("#message");
const stage = document.querySelector("#stage");
const faces = document.querySelector("#faces");
const asked = document.querySelector("#asked");
const key = document.querySelector("#key");
let last = null;
let looking = new AbortController();

document.querySelector("#file").addEventListener("change", (event) => show(event.target.files[0]));
key.addEventListener("change", () => show(last));
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
}
drop.addEventListener("drop", (event) => show(event.dataTransfer.files[0]));

async function show(file) {
  if (!file) return;
  last = file;
  looking.abort();
  const { signal } = (looking = new AbortController());
  stage.replaceChildren();
  faces.hidden = true;
  message.textContent = "Looking …";
  const form = new FormData();
  form.append("file", file);
  try {
    const headers = key.value ? { "X-API-Key": key.value } : {};
    const response = await fetch("predict", { method: "POST", body: form, headers, signal });
    const answer = await response.json();
    if (signal.aborted) return;
    // Only where the operator wants a key is one asked for; it stays in this page and is sent to this server alone.
    if (response.status === 401) asked.hidden = false;
    if (!response.ok) throw new Error(answer.detail);
    draw(file, answer.images[0], answer.timing_ms);
  } catch (error) {
    // Another picture has been asked for since; this one's fate is no longer news.
    if (!signal.aborted) message.textContent = error.message;
  }
}

function draw(file, picture, timing) {
  const image = new Image();
  image.alt = file.name;
  image.onload = () => URL.revokeObjectURL(image.src);
  // Formats that this browser cannot show (HEIC, TIFF) are still analysed.
  image.onerror = () => image.remove();
  image.src = URL.createObjectURL(file);
  stage.replaceChildren(image, ...picture.faces.map((face, index) => box(face, index, picture)));
  faces.tBodies[0].replaceChildren(...picture.faces.map(row));
  faces.hidden = picture.faces.length === 0;
  const count = picture.faces.length === 1 ? "1 face" : `${picture.faces.length} faces`;
  message.textContent = `${count} in ${Math.round(timing.total)} ms`;
}

function box({ box: { x, y, width, height }, emotion }, index, picture) {
  const element = document.createElement("div");
  const label = document.createElement("span");
  element.className = "face";
  label.textContent = `${index + 1} ${emotion}`;
  element.append(label);
  Object.assign(element.style, {
    left: `${(100 * x) / picture.width}%`,
    top: `${(100 * y) / picture.height}%`,
    width: `${(100 * width) / picture.width}%`,
    height: `${(100 * height) / picture.height}%`,
  });
  return element;
}

function row(face, index) {
  const element = document.createElement("tr");
  const remarks = [...(face.uncertain ? ["uncertain"] : []), ...face.quality.reasons];
  for (const text of [index + 1, face.emotion, face.score.toFixed(2), remarks.join(", ")]) {
    element.insertCell().textContent = text;
  }
  return element;
}
