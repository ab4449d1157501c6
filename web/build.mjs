/** Puts the page together in dist/: node build.mjs, after scripts/export.py filled styles/. */

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const runtime = "node_modules/onnxruntime-web/dist";
const styles = existsSync("styles") ? readdirSync("styles").filter((f) => f.endsWith(".onnx")) : [];
if (styles.length === 0) {
  console.error("error: no styles: run scripts/export.py --pixels float --output web/styles/NAME.onnx");
  process.exit(2);
}

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
for (const name of styles) cpSync(`styles/${name}`, `dist/styles/${name}`);
const list = styles.map((f) => ({ name: f.slice(0, -5), bytes: statSync(`styles/${f}`).size }));
writeFileSync("dist/styles.json", JSON.stringify(list));
console.log(`dist/: open it with any static server; ${list.length} styles`);
