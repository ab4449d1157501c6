/** The work is done by the visitor's own browser, in worker.js; no photo leaves it. */

import { scaledSize, toPixels } from "./pixels.js";
import { LOST, Trouble, pause } from "./trouble.js";

/** Pixels of a result for each gigabyte of memory; so many gigabytes where that is not told. */
const PIXELS_PER_GIGABYTE = 400_000;
const USUAL_GIGABYTES = 4;
/** Milliseconds within which a graphics card answers, paints a tiny picture, and a photo. */
const GPU_ANSWERS = 1000;
const GPU_PROBED = 8000;
const GPU_PAINTS = 30_000;
const TRIES = 3;

/**
 * @typedef {import("./server.js").Hooks} Hooks
 * @typedef {import("../messages").Order} Order
 * @typedef {import("../messages").Answer} Answer
 */

/** @returns {import("./server.js").Engine} */
export function start() {
  beInstallable();
  /** @type {Worker | undefined} */
  let worker;
  /** @type {Promise<boolean> | undefined} */
  let gpu;
  let orders = 0;
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
   * @param {Omit<Order, "gpu" | "id">} order
   * @param {Hooks} hooks
   */
  async function run(order, hooks) {
    gpu ??= hasGpu();
    for (let tried = 1; ; tried++) {
      const useGpu = await gpu;
      hooks.signal.throwIfAborted();
      worker ??= new Worker("worker.js", { type: "module" });
      try {
        const result = await answerOf(worker, { ...order, gpu: useGpu, id: ++orders }, hooks, speeds);
        fetched.add(order.address);
        return result;
      } catch (error) {
        // What is being fetched is wanted by the next order, too.
        if (error instanceof Superseded) throw hooks.signal.reason;
        dismiss();
        hooks.signal.throwIfAborted();
        if (useGpu) gpu = Promise.resolve(false);
        else if (error instanceof Trouble) throw error;
        else if (tried >= TRIES) throw error instanceof NotStarted ? new Trouble(LOST, "again") : error;
        else await pause(500 * tried, hooks.signal);
      }
    }
  }

  return {
    privacy: "It never leaves this browser.",
    limits: "Nothing is uploaded.",
    async stylize({ photo, program, mixture, size }, hooks) {
      const most = PIXELS_PER_GIGABYTE * (/** @type {any} */ (navigator).deviceMemory ?? USUAL_GIGABYTES);
      const pixels = toPixels(photo.image, scaledSize(photo.image, size, most));
      const weights = new Array(program.weights).fill(0);
      for (const { name, place } of program.styles) weights[place] = mixture[name] ?? 0;
      const { width, height } = pixels;
      const order = (/** @type {import("./chooser.js").Runnable} */ { address, bytes, probe }) => ({
        address, bytes, probe, weights: program.weights ? weights : [], width, height, pixels: pixels.data,
      });
      const fine = /** @type {import("./chooser.js").Runnable} */ (program.run);
      if (program.quick?.run && !fetched.has(fine.address)) {
        hooks.first(await run(order(program.quick.run), hooks));
      }
      return run(order(fine), hooks);
    },
  };
}

/** The worker's own program did not come. */
class NotStarted extends Error {}

/** An order was given up while its files were on their way. */
class Superseded extends Error {}

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
  let isPainting = false;
  /** @type {number} */
  let clock;
  /** @type {number} */
  let limit;
  return /** @type {Promise<ImageData>} */ (
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(isPainting ? signal.reason : new Superseded()));
      worker.onerror = () => reject(new NotStarted());
      worker.onmessage = (/** @type {MessageEvent<Answer>} */ { data }) => {
        if (data.id !== order.id) return;
        if (data.kind === "fetching") {
          const [now, all] = [data.loaded, data.total].map((bytes) => (bytes / 1e6).toFixed(1));
          progress({ text: `Fetching ${data.what}: ${now} of ${all} MB`, part: data.loaded / data.total });
        } else if (data.kind === "probing") {
          if (order.gpu) limit = setTimeout(() => reject(new Error("a slow graphics card")), GPU_PROBED);
        } else if (data.kind === "painting") {
          isPainting = true;
          clearTimeout(limit);
          if (order.gpu) limit = setTimeout(() => reject(new Error("no answer")), GPU_PAINTS);
          clock = tick(progress, (speeds.get(order.address) ?? 0) * width * height);
        } else if (data.kind === "failed") {
          reject(data.remedy === "none" ? new Error(data.message) : new Trouble(data.message, data.remedy));
        } else {
          speeds.set(order.address, data.seconds / (width * height));
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

/** Let the page be installed, and open without a network. */
function beInstallable() {
  const link = document.createElement("link");
  Object.assign(link, { rel: "manifest", href: "manifest.webmanifest" });
  document.head.append(link);
  // There is none where the page came neither by HTTPS nor from this machine.
  navigator.serviceWorker?.register("sw.js").catch(() => undefined);
}
