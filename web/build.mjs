/** Puts the page together in dist/: node build.mjs, after scripts/web_styles.py filled styles/. */

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

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
const page = readdirSync("dist").filter((name) => name !== "sw.js" && name !== "styles");

for (const [from, to] of Object.entries(RENAMED)) cpSync(`${RUNTIME}/${from}`, `dist/${to}`);
for (const name of BINARIES) cpSync(`${RUNTIME}/${name}`, `dist/${name}`);
const [wasm, webgpu] = BINARIES.map((name) => statSync(`dist/${name}`).size);
fill("dist/worker.js", { WASM_BYTES: wasm, WEBGPU_BYTES: webgpu });

const hash = createHash("sha256");
for (const name of readdirSync("dist", { recursive: true }).sort()) {
  if (statSync(`dist/${name}`).isFile()) hash.update(name).update(readFileSync(`dist/${name}`));
}
const files = ["./", ...page.filter((name) => name !== "index.html")];
fill("dist/sw.js", { VERSION: hash.digest("hex").slice(0, 16), PAGE_FILES: JSON.stringify(files) });
console.log(`dist/: open it with any static server; ${files.length} files besides programs`);

function fill(path, values) {
  let text = readFileSync(path, "utf8");
  for (const [word, value] of Object.entries(values)) text = text.replace(word, String(value));
  writeFileSync(path, text);
}
