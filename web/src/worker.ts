/** Runs a style's network beside the page, so that the page stays responsive. */

import type { InferenceSession } from "onnxruntime-web";
import type { Failure, Result, Wish } from "./messages";

type Runtime = typeof import("onnxruntime-web");

interface Backend {
  name: string;
  ort: Runtime;
  provider: "webgpu" | "wasm";
}

const sessions = new Map<string, Promise<InferenceSession>>();
let backend: Promise<Backend> | undefined;

/** WebGPU where the browser has an adapter, else WebAssembly, which is half the download. */
async function choose(): Promise<Backend> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  const ort = (adapter
    ? await import("onnxruntime-web/webgpu")
    : await import("onnxruntime-web/wasm")) as Runtime;
  ort.env.wasm.wasmPaths = new URL("./", self.location.href).href;
  return adapter
    ? { name: "WebGPU", ort, provider: "webgpu" }
    : { name: "WebAssembly", ort, provider: "wasm" };
}

function load({ ort, provider }: Backend, style: string): Promise<InferenceSession> {
  let session = sessions.get(style);
  if (!session) {
    session = ort.InferenceSession.create(`styles/${style}.onnx`, { executionProviders: [provider] });
    session.catch(() => sessions.delete(style)); // a lost download may succeed the next time
    sessions.set(style, session);
  }
  return session;
}

/** RGBA bytes to planes of R, G and B in [0, 1]. */
function toPlanes(pixels: Uint8ClampedArray, area: number): Float32Array<ArrayBuffer> {
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[4 * i + c] / 255;
  }
  return planes;
}

function toPixels(planes: Float32Array, area: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * area).fill(255); // it rounds and clamps by itself
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = planes[c * area + i] * 255;
  }
  return pixels;
}

async function stylize({ style, mixture, pixels, width, height }: Wish): Promise<Result> {
  backend ??= choose();
  const chosen = await backend;
  const session = await load(chosen, style);
  const start = performance.now();
  const area = width * height;
  const photos = new chosen.ort.Tensor("float32", toPlanes(pixels, area), [1, 3, height, width]);
  const shares = mixture && new chosen.ort.Tensor("float32", mixture, [mixture.length]);
  const { stylised: stylized } = await session.run(shares ? { photos, mixture: shares } : { photos });
  const result = toPixels(stylized.data as Float32Array, area);
  const milliseconds = performance.now() - start;
  return { pixels: result, width, height, backend: chosen.name, milliseconds };
}

addEventListener("message", async ({ data }: MessageEvent<Wish>) => {
  try {
    const result = await stylize(data);
    postMessage(result, { transfer: [result.pixels.buffer] });
  } catch (error) {
    const failure: Failure = { error: error instanceof Error ? error.message : String(error) };
    postMessage(failure);
  }
});
