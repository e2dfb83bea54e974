// The faces of a picture, from JavaScript: node examples/predict.mjs http://127.0.0.1:8000 photo.jpg [key]
// In a browser, `body` can be the File of an <input type="file">; the service then needs the page's origin in
// MIEN_CORS_ORIGINS.
import { readFile } from "node:fs/promises";

const [url, picture, key] = process.argv.slice(2);

async function predict(body, options = {}) {
  for (;;) {
    const answer = await fetch(new URL(`/predict?${new URLSearchParams(options)}`, url), {
      method: "POST",
      body,
      headers: { "Content-Type": "image/*", ...(key && { Authorization: `Bearer ${key}` }) },
      signal: AbortSignal.timeout(75_000),
    });
    const document = await answer.json();
    if (answer.ok) return document.images[0];
    const seconds = answer.headers.get("Retry-After");
    if (answer.status !== 429 || seconds === null) throw new Error(`${document.code}: ${document.detail}`);
    await new Promise((done) => setTimeout(done, 1000 * Number(seconds)));
  }
}

const { faces, warnings } = await predict(await readFile(picture), { labels: "basic7" });
for (const { emotion, score, box } of faces) {
  console.log(`${emotion} ${score.toFixed(2)} at ${Math.round(box.x)}, ${Math.round(box.y)}`);
}
warnings.forEach((warning) => console.error(warning));
