/** Runs a style's network beside the page, so that the page stays responsive. */

/**
 * @typedef {typeof import("onnxruntime-web")} Runtime
 * @typedef {import("onnxruntime-web").InferenceSession} Session
 * @typedef {import("../messages").Order} Order
 * @typedef {import("../messages").Answer} Answer
 */

/** What each way to compute needs: its program, its WebAssembly with its version, that one's bytes. */
const BACKENDS = {
  wasm: ["ort.wasm.js", "ort-wasm-simd-threaded.wasm?WASM_VERSION", WASM_BYTES],
  webgpu: ["ort.webgpu.js", "ort-wasm-simd-threaded.asyncify.wasm?WEBGPU_VERSION", WEBGPU_BYTES],
};
const TRIES = 3;
const STALLED = 20_000; // milliseconds without a byte
const MAX_THREADS = 8;
const PROBE = 16; // pixels a side
const PROBE_SECONDS = 1;
const PROBE_ERROR = 0.02; // of one pixel, in the mean
/** Whole files of this page, for when there is no network. */
const CACHE = `faststyle files ${new URL(".", location.href)}`;

/** The network was lost: what the visitor can do is to try again. */
class Lost extends Error {}

/** @type {Promise<Runtime> | undefined} */
let runtime;
/** @type {Map<string, Promise<Session>>} */
const sessions = new Map();
/** The number of the newest order; what is fetched for others is kept, but not painted. */
let newest = 0;

/** @param {Answer} answer @param {Transferable[]} [transfer] */
function tell(answer, transfer = []) {
  postMessage({ ...answer, id: newest }, { transfer });
}

/**
 * @template T
 * @param {(tried: number) => Promise<T>} attempt
 * @returns {Promise<T>}
 */
async function patiently(attempt) {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt(tried);
    } catch {
      if (tried === TRIES) throw new Lost();
      await new Promise((resolve) => setTimeout(resolve, 500 * tried));
    }
  }
}

/**
 * A whole file, from what is kept or from the network.
 *
 * @param {string} address which changes with the content
 * @param {string} what in words
 * @param {number} total bytes; servers that compress do not tell them
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function download(address, what, total) {
  const kept = await keptFile(address, total);
  if (kept) return kept;
  const content = await patiently(async (tried) => {
    const stall = new AbortController();
    let timer = setTimeout(() => stall.abort(), STALLED);
    try {
      // The second time not what a cache on the way holds.
      const answer = await fetch(address, { signal: stall.signal, cache: tried > 1 ? "reload" : "default" });
      if (!answer.ok || !answer.body) throw new Error(String(answer.status));
      const reader = answer.body.getReader();
      const content = new Uint8Array(total);
      let loaded = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(), STALLED);
        content.set(value, loaded); // throws if there is too much
        loaded += value.length;
        tell({ kind: "fetching", what, loaded, total });
      }
      if (loaded !== total) throw new Error("cut off");
      return content;
    } finally {
      clearTimeout(timer);
    }
  });
  void keepFile(address, content);
  return content;
}

/** @param {string} address @param {number} total */
async function keptFile(address, total) {
  try {
    const found = await (await caches.open(CACHE)).match(address);
    const content = found && new Uint8Array(await found.arrayBuffer());
    return content?.length === total ? content : undefined;
  } catch {
    return undefined; // pages without HTTPS may keep nothing
  }
}

/** Keep a file in place of its older versions. @param {string} address @param {Uint8Array<ArrayBuffer>} content */
async function keepFile(address, content) {
  try {
    const cache = await caches.open(CACHE);
    const path = new URL(address, location.href).pathname;
    for (const old of await cache.keys()) {
      if (new URL(old.url).pathname === path) await cache.delete(old);
    }
    await cache.put(address, new Response(content));
  } catch {
    // A full disk: the file is fetched again the next time.
  }
}

/** @param {boolean} gpu */
async function load(gpu) {
  const [program, binary, bytes] = BACKENDS[gpu ? "webgpu" : "wasm"];
  // Browsers remember that a module could not be fetched, by its address.
  const found = patiently((tried) => import(`./${program}${tried > 1 ? `?${tried}` : ""}`));
  const [ort, wasm] = await Promise.all([found, download(String(binary), "the painter", Number(bytes))]);
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MAX_THREADS) : 1;
  return /** @type {Runtime} */ (ort);
}

/**
 * @param {Runtime} ort
 * @param {Order} order
 */
function sessionOf(ort, order) {
  let session = sessions.get(order.address);
  if (!session) {
    session = open(ort, order);
    sessions.set(order.address, session);
  }
  return session;
}

/**
 * @param {Runtime} ort
 * @param {Order} order
 */
async function open(ort, { address, bytes, probe, weights, gpu }) {
  const content = await download(address, "the style", bytes);
  tell({ kind: "probing" });
  const session = await ort.InferenceSession.create(content, {
    executionProviders: [gpu ? "webgpu" : "wasm"],
  });
  if (gpu) await check(ort, session, probe, weights.length);
  return session;
}

/**
 * Reject a graphics card that computes something else, or slowly. The first run prepares it.
 *
 * @param {Runtime} ort
 * @param {Session} session
 * @param {number[]} probe
 * @param {number} count of weights
 */
async function check(ort, session, probe, count) {
  const weights = Array.from({ length: count }, (_, place) => Number(place === 0));
  const area = PROBE * PROBE;
  const photo = Float32Array.from({ length: 3 * area }, (_, i) => ((i * 7) % 32) / 31);
  await run(ort, session, photo, PROBE, PROBE, weights);
  const began = performance.now();
  const found = await run(ort, session, photo, PROBE, PROBE, weights);
  const seconds = (performance.now() - began) / 1000;
  const error = probe.reduce((sum, value, i) => sum + Math.abs(value - found[i]), 0) / probe.length;
  if (!(error < PROBE_ERROR) || seconds > PROBE_SECONDS) throw new Error("a wrong graphics card");
}

/**
 * @param {Runtime} ort
 * @param {Session} session
 * @param {Float32Array} photo planes of R, G and B in [0, 1]
 * @param {number} width
 * @param {number} height
 * @param {number[]} weights
 */
async function run(ort, session, photo, width, height, weights) {
  const photos = new ort.Tensor("float32", photo, [1, 3, height, width]);
  const mixture = new ort.Tensor("float32", weights, [weights.length]);
  const { stylised } = await session.run(weights.length ? { photos, mixture } : { photos });
  const found = /** @type {Float32Array} */ (stylised.data);
  stylised.dispose();
  return found;
}

/** RGBA to planes; white where nothing is seen, whose colors would change the rest. */
function toPlanes(/** @type {Uint8ClampedArray} */ pixels, /** @type {number} */ area) {
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    const hidden = pixels[4 * i + 3] === 0;
    for (let c = 0; c < 3; c++) planes[c * area + i] = hidden ? 1 : pixels[4 * i + c] / 255;
  }
  return planes;
}

function toPixels(/** @type {Float32Array} */ planes, /** @type {number} */ area) {
  const pixels = new Uint8ClampedArray(4 * area).fill(255); // it rounds and clamps by itself
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = planes[c * area + i] * 255;
  }
  return pixels;
}

/** @param {Order} order */
async function stylize(order) {
  const ort = await (runtime ??= load(order.gpu));
  const session = await sessionOf(ort, order);
  if (order.id !== newest) return;
  tell({ kind: "painting" });
  const began = performance.now();
  const { width, height } = order;
  const planes = toPlanes(order.pixels, width * height);
  const result = await run(ort, session, planes, width, height, order.weights);
  const pixels = toPixels(result, width * height);
  tell({ kind: "done", pixels, seconds: (performance.now() - began) / 1000 }, [pixels.buffer]);
}

/** WebAssembly throws what C++ threw as a number, or with the name of the exception. */
function isMemory(/** @type {string} */ message) {
  return /bad_alloc|memory|alloc|^\d+$/i.test(message);
}

addEventListener("message", async ({ data }) => {
  newest = data.id;
  try {
    await stylize(data);
  } catch (error) {
    if (data.id !== newest) return; // the newest meets it, too
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Lost) {
      tell({ kind: "failed", message: "The connection was lost. Your photo is still here.", remedy: "again" });
    } else if (isMemory(message)) {
      tell({ kind: "failed", message: "This device has too little memory for that size.", remedy: "smaller" });
    } else {
      tell({ kind: "failed", message, remedy: "none" });
    }
  }
});
