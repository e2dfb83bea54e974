// The last request as code that people can copy.
import { $, button, say } from "./dom.js";
import { chosen } from "./options.js";

const WRITERS = { curl, Python: python, JavaScript: javascript };

/** Adds the buttons; `current` gives the file's name and whether it is a clip. */
export function offerSnippets(current) {
  for (const [language, write] of Object.entries(WRITERS)) {
    $("#snippets").append(
      button(`Copy as ${language}`, async () => {
        const { name, isClip } = current();
        const path = isClip ? "/analyze-video" : "/predict";
        const text = write(new URL(path.slice(1), document.baseURI).href, name, chosen(isClip), isClip);
        $("#snippet").textContent = text;
        $("#snippet").hidden = false;
        try {
          await navigator.clipboard.writeText(text);
          say(`The ${language} code is on the clipboard.`);
        } catch {
          // Not over plain HTTP from another machine: the code is on the page, to be selected.
          say("The code is below, to be copied.");
        }
      }),
    );
  }
}

const address = (url, options) => (Object.keys(options).length ? `${url}?${new URLSearchParams(options)}` : url);
const quoted = (text) => JSON.stringify(text);

function curl(url, name, options) {
  const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  return `curl -sS --fail-with-body -F ${shell(`file=@${name}`)} \\\n    ${shell(address(url, options))}\n`;
}

function python(url, name, options, isClip) {
  const members = Object.entries(options)
    .map(([key, value]) => `${quoted(key)}: ${quoted(value)}`)
    .join(", ");
  const print = isClip
    ? 'for person in answer.json()["people"]:\n    print(person["person"], person["dominant"])'
    : 'for face in answer.json()["images"][0]["faces"]:\n    print(face["emotion"], face["score"])';
  return (
    `import httpx\n\nwith open(${quoted(name)}, "rb") as file:\n` +
    `    answer = httpx.post(\n        ${quoted(url)}, files={"file": file}, params={${members}}, timeout=300\n    )\n` +
    `answer.raise_for_status()\n${print}\n`
  );
}

function javascript(url, name, options, isClip) {
  const found = isClip ? "answer.people" : "answer.images[0].faces";
  return (
    `import { openAsBlob } from "node:fs";\n\nconst form = new FormData();\n` +
    `form.append("file", await openAsBlob(${quoted(name)}), ${quoted(name)});\n` +
    `const response = await fetch(${quoted(address(url, options))}, { method: "POST", body: form });\n` +
    `if (!response.ok) throw new Error((await response.json()).detail);\n` +
    `const answer = await response.json();\nconsole.log(${found});\n`
  );
}
