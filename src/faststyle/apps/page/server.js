/** The work is done by the server that sent this page (faststyle.apps.demo). */

import { forget, sizeBy, toImage, toPixels } from "./pixels.js";
import { LOST, Trouble, ask, pause } from "./trouble.js";

const TRIES = 3;
const INTERVAL = 300; // milliseconds between two questions how far a request is
const STALLED = 30_000; // milliseconds without progress of an upload
const GONE = 410;
const TOO_MANY_BYTES = 413;
const DEFERRED = 202;

/**
 * What an engine is asked for.
 *
 * @typedef {object} StyleRequest
 * @property {import("./pixels.js").Photo} photo
 * @property {import("./chooser.js").Program} program
 * @property {Record<string, number>} mixture
 * @property {number} size the short side at most
 *
 * @typedef {object} Progress
 * @property {string} text
 * @property {number} [part] from 0 to 1, if known
 *
 * @typedef {object} Hooks
 * @property {AbortSignal} signal
 * @property {(progress: Progress) => void} progress
 * @property {(first: ImageData) => void} first a quick picture before the fine one
 *
 * @typedef {Pick<Hooks, "signal" | "progress">} Watch
 *
 * @typedef {object} Engine
 * @property {string} privacy
 * @property {string} limits
 * @property {(request: StyleRequest, hooks: Hooks) => Promise<ImageData>} stylize
 * @property {(file: Blob, hooks: Watch) => Promise<HTMLImageElement>}
 *   [open] a photo that the browser cannot read
 */

/** @param {{max_bytes: number, max_pixels: number}} about @returns {Engine} */
export function start({ max_bytes, max_pixels }) {
  /** @type {WeakMap<Blob, string>} */
  const names = new WeakMap();
  const megabytes = max_bytes / 1e6;
  /** What the server works at, or has waiting, for this page. */
  const open = new Set();
  addEventListener("pagehide", () => open.forEach(leave));

  /** @param {string} picture */
  function leave(picture) {
    open.delete(picture);
    fetch(`pictures/${picture}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
  }

  /**
   * @param {Record<string, Blob>} files that the wish is about
   * @param {object} wanted
   * @param {Watch} hooks
   * @returns {Promise<HTMLImageElement>}
   */
  async function get(files, wanted, { signal, progress }) {
    for (let tried = 1; tried <= TRIES; tried++) {
      /** @type {Record<string, string>} */
      const sent = {};
      for (const [use, file] of Object.entries(files)) {
        sent[use] = names.get(file) ?? (await upload(file, { signal, progress }));
        names.set(file, sent[use]);
      }
      const picture = await make({ ...sent, ...wanted });
      if (!picture) {
        for (const file of Object.values(files)) names.delete(file); // not used for a while
        continue;
      }
      open.add(picture);
      try {
        const found = await waitFor(picture, { signal, progress });
        if (found) return await toImage(found);
      } finally {
        leave(picture);
      }
    }
    throw new Trouble("The server has lost this wish.", "again");
  }

  /**
   * Not to be ended midway: the server would work for nobody.
   *
   * @param {object} wanted
   * @returns {Promise<string | undefined>} nothing if the server has forgotten the photo
   */
  function make(wanted) {
    const { signal } = new AbortController();
    const options = { method: "POST", body: JSON.stringify(wanted), signal };
    return ask("pictures", options, async (answer) =>
      answer.status === GONE ? undefined : (await content(answer)).picture);
  }

  /** @param {Blob} file @param {Watch} hooks @returns {Promise<string>} */
  async function upload(file, { signal, progress }) {
    signal.throwIfAborted();
    if (file.size > max_bytes) throw new Trouble(`This file is too large: over ${megabytes} MB.`);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how far it is
      request.responseType = "json";
      let stalled = setTimeout(() => request.abort(), STALLED);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        if (!total) return;
        clearTimeout(stalled);
        stalled = setTimeout(() => request.abort(), STALLED);
        const text = `Sending ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
        progress({ text, part: loaded / total });
      });
      request.addEventListener("load", () => {
        const problem = request.response?.error ?? tooMuch(request.status);
        if (request.status === 201) resolve(request.response.photo);
        else reject(problem ? new Trouble(problem, remedyOf(request.response)) : new Trouble(LOST, "again"));
      });
      for (const end of ["error", "abort"]) {
        request.addEventListener(end, () => reject(new Trouble(LOST, "again")));
      }
      request.addEventListener("loadend", () => clearTimeout(stalled));
      signal.addEventListener("abort", () => {
        reject(signal.reason);
        request.abort();
      });
      request.open("POST", "photos");
      request.send(file);
    });
  }

  /** @param {number} status of a proxy, which may have limits of its own */
  function tooMuch(status) {
    return status === TOO_MANY_BYTES ? "This file is larger than the server takes." : undefined;
  }

  return {
    privacy: "It is sent to this server, and deleted there within ten minutes of its last use.",
    limits: `Up to ${megabytes} MB and ${max_pixels / 1e6} megapixels.`,
    async stylize({ photo, program, mixture, size }, hooks) {
      const { name, painting } = program;
      const image = painting
        ? await get({ photo: photo.file, painting }, { size }, hooks)
        : await get({ photo: photo.file }, { program: name, mixture, size }, hooks);
      const pixels = toPixels(image, sizeBy(image, 1));
      forget(image);
      return pixels;
    },
    open: (photo, hooks) => get({ photo }, {}, hooks),
  };
}

/**
 * @param {string} picture
 * @param {Watch} hooks
 * @returns {Promise<Blob | undefined>} nothing if the server has forgotten it
 */
async function waitFor(picture, { signal, progress }) {
  const began = performance.now();
  for (;;) {
    const found = await ask(`pictures/${picture}`, { signal }, async (answer) => {
      if (answer.status === GONE) return undefined;
      return answer.status === DEFERRED || !answer.ok ? content(answer) : answer.blob();
    });
    if (found === undefined || found instanceof Blob) return found;
    const { ahead, seconds } = found;
    const waited = (performance.now() - began) / 1000;
    const part = seconds === null ? {} : { part: waited / (waited + seconds + 0.1) };
    const what = ahead > 0 ? `Waiting for ${ahead} ${ahead === 1 ? "picture" : "pictures"}` : "Painting";
    progress({ text: what + left(seconds), ...part });
    await pause(INTERVAL, signal);
  }
}

/** @param {number | null} seconds */
function left(seconds) {
  if (seconds === null) return " …";
  return seconds < 1.5 ? ": a second left" : `: ${Math.round(seconds)} seconds left`;
}

/** @param {Response} answer */
async function content(answer) {
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Trouble(said.error ?? "The server does not answer as it should.", remedyOf(said));
}

/** @param {{error?: string, remedy?: "again" | "smaller" | "none"} | null} said */
function remedyOf(said) {
  return said?.error ? said.remedy ?? "none" : "again";
}
