const drop = document.querySelector("#drop");
const message = document.querySelector("#message");
const stage = document.querySelector("#stage");
const faces = document.querySelector("#faces");
const asked = document.querySelector("#asked");
const key = document.querySelector("#key");
let last = null;
let request = new AbortController();

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
  request.abort();
  const { signal } = (request = new AbortController());
  stage.replaceChildren();
  faces.hidden = true;
  message.textContent = "Analysing …";
  const form = new FormData();
  form.append("file", file);
  try {
    const headers = key.value ? { "X-API-Key": key.value } : {};
    const response = await fetch("predict", { method: "POST", body: form, headers, signal });
    const answer = await response.json();
    if (signal.aborted) return;
    // The key field appears only if the service requires a key. The key stays in this page and goes only to this server.
    if (response.status === 401) asked.hidden = false;
    if (!response.ok) throw new Error(answer.detail);
    draw(file, answer.images[0], answer.timing_ms);
  } catch (error) {
    // Aborted: the user has chosen another picture since.
    if (!signal.aborted) message.textContent = error.message;
  }
}

function draw(file, picture, timing) {
  const image = new Image();
  image.alt = file.name;
  image.onload = () => URL.revokeObjectURL(image.src);
  // The browser may not be able to show the format (HEIC, TIFF); the server still analyses it.
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
