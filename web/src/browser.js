/** The work is done by the visitor's own browser, in worker.js; no photo leaves it. */

import { scaledSize, toPixels } from "./pixels.js";
import { Trouble } from "./trouble.js";

/** Pixels of a result for each gigabyte of memory; so many gigabytes where that is not told. */
const PIXELS_PER_GIGABYTE = 400_000;
const USUAL_GIGABYTES = 4;
/** Milliseconds within which a graphics card answers, and paints a first tiny picture. */
const GPU_ANSWERS = 1000;
const GPU_PROBED = 8000;
const GPU_PAINTS = 30_000;
const TRIES = 3;

/**
 * @typedef {import("./server.js").Hooks} Hooks
 * @typedef {import("./messages.js").Order} Order
 * @typedef {import("./messages.js").Answer} Answer
 */

/** @returns {import("./server.js").Engine} */
export function start() {
  const offline = workOffline();
  /** @type {Worker | undefined} */
  let worker;
  /** @type {Promise<boolean> | undefined} */
  let gpu;
  /** Programs that this page has run, so that they need not be fetched. @type {Set<string>} */
  const fetched = new Set();
  /** Seconds for each pixel, by program. @type {Map<string, number>} */
  const speeds = new Map();

  function dismiss() {
    worker?.terminate();
    worker = undefined;
  }

  /**
   * Run one program; what a lost or wrong graphics card fails at is done without it.
   *
   * @param {Omit<Order, "gpu">} order
   * @param {Hooks} hooks
   */
  async function run(order, hooks) {
    await offline;
    gpu ??= hasGpu();
    for (let tried = 1; ; tried++) {
      const useGpu = await gpu;
      hooks.signal.throwIfAborted();
      worker ??= new Worker("worker.js", { type: "module" });
      try {
        const result = await answerOf(worker, { ...order, gpu: useGpu }, hooks, speeds);
        fetched.add(order.program);
        return result;
      } catch (error) {
        dismiss();
        hooks.signal.throwIfAborted();
        if (useGpu) gpu = Promise.resolve(false);
        else if (error instanceof Trouble || tried >= TRIES) throw error;
      }
    }
  }

  return {
    privacy: "It never leaves this browser.",
    limits: "Nothing is uploaded. Once it has painted, this page works without a network.",
    async stylize({ photo, program, mixture, size }, hooks) {
      const most = PIXELS_PER_GIGABYTE * (/** @type {any} */ (navigator).deviceMemory ?? USUAL_GIGABYTES);
      const pixels = toPixels(photo.image, scaledSize(photo.image, size, most));
      const weights = new Array(program.weights).fill(0);
      for (const { name, place } of program.styles) weights[place] = mixture[name] ?? 0;
      const { width, height } = pixels;
      const order = (/** @type {{name: string, bytes?: number, probe?: number[]}} */ which) => ({
        program: which.name, bytes: which.bytes ?? 0, probe: which.probe ?? [],
        weights: program.weights ? weights : [], width, height, pixels: pixels.data,
      });
      if (program.quick && !fetched.has(program.name)) {
        hooks.first(await run(order(program.quick), hooks));
      }
      return run(order({ ...program }), hooks);
    },
  };
}

/**
 * Give a worker an order; it is ended with whatever does not bring its result.
 *
 * @param {Worker} worker
 * @param {Order} order
 * @param {Hooks} hooks
 * @param {Map<string, number>} speeds
 * @returns {Promise<ImageData>}
 */
function answerOf(worker, order, { signal, progress }, speeds) {
  const { width, height } = order;
  /** @type {number} */
  let clock;
  /** @type {number} */
  let limit;
  return /** @type {Promise<ImageData>} */ (
    new Promise((resolve, reject) => {
      const end = (/** @type {unknown} */ reason) => reject(reason);
      signal.addEventListener("abort", () => end(signal.reason));
      worker.onerror = () => end(new Error("the page's worker could not be started"));
      worker.onmessage = (/** @type {MessageEvent<Answer>} */ { data }) => {
        if (data.kind === "fetching") {
          const [now, all] = [data.loaded, data.total].map((bytes) => (bytes / 1e6).toFixed(1));
          progress({ text: `Fetching ${data.what}: ${now} of ${all} MB`, part: data.loaded / data.total });
        } else if (data.kind === "probing") {
          limit = setTimeout(() => end(new Error("the graphics card is slow")), GPU_PROBED);
        } else if (data.kind === "painting") {
          clearTimeout(limit);
          if (order.gpu) limit = setTimeout(() => end(new Error("no answer")), GPU_PAINTS);
          clock = tick(progress, (speeds.get(order.program) ?? 0) * width * height);
        } else if (data.kind === "failed") {
          end(data.remedy === "none" ? new Error(data.message) : new Trouble(data.message, data.remedy));
        } else {
          speeds.set(order.program, data.seconds / (width * height));
          resolve(new ImageData(data.pixels, width, height));
        }
      };
      worker.postMessage(order); // a copy: it may have to be asked again
    })
  ).finally(() => {
    clearInterval(clock);
    clearTimeout(limit);
  });
}

/**
 * Say how long it will take, several times a second.
 *
 * @param {Hooks["progress"]} progress
 * @param {number} expected seconds; 0 if not known
 */
function tick(progress, expected) {
  const began = performance.now();
  const tell = () => {
    const past = (performance.now() - began) / 1000;
    const left = Math.round(expected - past);
    const text = left >= 2 ? `Painting: ${left} seconds left` : "Painting …";
    progress(expected ? { text, part: Math.min(past / expected, 1) } : { text });
  };
  tell();
  return setInterval(tell, 200);
}

/** Whether there is a graphics card that answers; software in its place is slower than none. */
async function hasGpu() {
  /** @type {any} */
  const { gpu } = /** @type {any} */ (navigator);
  if (!gpu) return false;
  const found = (async () => {
    const adapter = await gpu.requestAdapter();
    if (!adapter || adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter) return false;
    (await adapter.requestDevice()).destroy();
    return true;
  })();
  const late = new Promise((resolve) => setTimeout(() => resolve(false), GPU_ANSWERS));
  return /** @type {Promise<boolean>} */ (Promise.race([found, late])).catch(() => false);
}

/** Let the page be installed, and keep what was fetched; resolves once that is so. */
async function workOffline() {
  const link = document.createElement("link");
  Object.assign(link, { rel: "manifest", href: "manifest.webmanifest" });
  document.head.append(link);
  const keeper = navigator.serviceWorker; // only where the page came by HTTPS or from this machine
  if (!keeper) return;
  const ready = keeper.controller ? keeper.register("sw.js") : new Promise((resolve, reject) => {
    keeper.addEventListener("controllerchange", resolve, { once: true });
    keeper.register("sw.js").catch(reject);
  });
  const late = new Promise((resolve) => setTimeout(resolve, 2000));
  await Promise.race([ready, late]).catch(() => undefined);
}
