/** Puts the page together in dist/: node build.mjs, after scripts/web_styles.py filled styles/. */

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const PAGE = "../src/faststyle/apps/page"; // that of the demo's server, too
const RUNTIME = "node_modules/onnxruntime-web/dist";
/** Servers know .js; some send .mjs with a type that browsers refuse. */
const RENAMED = { "ort.wasm.bundle.min.mjs": "ort.wasm.js", "ort.webgpu.bundle.min.mjs": "ort.webgpu.js" };
const BINARIES = ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"];

if (!existsSync("styles/styles.json")) {
  console.error("error: no styles: run scripts/web_styles.py");
  process.exit(2);
}
rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");
cpSync(PAGE, "dist", { recursive: true });
rmSync("dist/server.js");
cpSync("src", "dist", { recursive: true });
cpSync("styles", "dist/styles", { recursive: true });
for (const name of ["styles.json", "example.jpg", "license.txt"]) {
  cpSync(`styles/${name}`, `dist/${name}`);
  rmSync(`dist/styles/${name}`);
}
cpSync("manifest.webmanifest", "dist/manifest.webmanifest");
for (const [from, to] of Object.entries(RENAMED)) cpSync(`${RUNTIME}/${from}`, `dist/${to}`);
const page = readdirSync("dist").filter((name) => name !== "sw.js" && name !== "styles");
for (const name of BINARIES) cpSync(`${RUNTIME}/${name}`, `dist/${name}`);

const [wasm, webgpu] = BINARIES.map((name) => readFileSync(`dist/${name}`));
fill("dist/worker.js", {
  WASM_BYTES: wasm.length, WASM_VERSION: version(wasm),
  WEBGPU_BYTES: webgpu.length, WEBGPU_VERSION: version(webgpu),
});
const files = ["./", ...page.filter((name) => name !== "index.html")];
fill("dist/sw.js", { PAGE_FILES: JSON.stringify(files) });
console.log(`dist/: open it with any static server; ${files.length} files besides programs`);

/** What stands in the address of a file that is kept, so that it changes with the content. */
function version(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

function fill(path, values) {
  let text = readFileSync(path, "utf8");
  for (const [word, value] of Object.entries(values)) text = text.replace(word, String(value));
  writeFileSync(path, text);
}
