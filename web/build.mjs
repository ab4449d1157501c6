/** Puts the page together in dist/: node build.mjs, after scripts/web_styles.py filled styles/. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const runtime = "node_modules/onnxruntime-web/dist";
if (!existsSync("styles/styles.json")) {
  console.error("error: no styles: run scripts/web_styles.py");
  process.exit(2);
}
const programs = JSON.parse(readFileSync("styles/styles.json", "utf8"));

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/styles", { recursive: true });
await build({
  entryPoints: ["src/main.ts", "src/worker.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  // The runtime starts its threads from files of its own, which a bundle would hide.
  conditions: ["onnxruntime-web-use-extern-wasm"],
});
for (const name of ["index.html", "style.css"]) cpSync(name, `dist/${name}`);
for (const kind of ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"]) {
  for (const part of ["mjs", "wasm"]) cpSync(`${runtime}/${kind}.${part}`, `dist/${kind}.${part}`);
}
for (const program of programs) {
  const path = `styles/${program.name}.onnx`;
  cpSync(path, `dist/${path}`);
  program.bytes = statSync(path).size;
}
writeFileSync("dist/styles.json", JSON.stringify(programs));
console.log(`dist/: open it with any static server; ${programs.length} programs`);
