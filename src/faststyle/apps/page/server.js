/** The work is done by the server that sent this page (faststyle.apps.demo). */

import { toImage } from "./pixels.js";
import { Trouble, patientFetch, pause } from "./trouble.js";

const INTERVAL = 300; // milliseconds between two questions how far a wish is
const GONE = 410;
const TOO_MANY_BYTES = 413;

/**
 * What an engine is asked for.
 *
 * @typedef {object} Wish
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
 * @property {(first: ImageData | HTMLImageElement) => void} first a quick picture before the fine one
 *
 * @typedef {object} Engine
 * @property {string} privacy
 * @property {string} limits
 * @property {(wish: Wish, hooks: Hooks) => Promise<ImageData | HTMLImageElement>} stylize
 * @property {(file: Blob, signal: AbortSignal) => Promise<HTMLImageElement>} [open] a photo that
 *   the browser cannot read
 */

/**
 * @param {{max_bytes: number, max_pixels: number}} about
 * @returns {Engine}
 */
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
   * @param {Blob} file
   * @param {object} wish
   * @param {Pick<Hooks, "signal" | "progress">} hooks
   * @returns {Promise<HTMLImageElement>}
   */
  async function ask(file, wish, { signal, progress }) {
    for (let tried = 1; ; tried++) {
      const photo = names.get(file) ?? (await upload(file, { signal, progress }));
      names.set(file, photo);
      const body = JSON.stringify({ photo, ...wish });
      const answer = await patientFetch("pictures", { method: "POST", body, signal });
      if (answer.status === GONE && tried === 1) {
        names.delete(file);
        continue;
      }
      const { picture } = await content(answer);
      open.add(picture);
      try {
        const found = await waitFor(picture, { signal, progress });
        open.delete(picture);
        if (found) return await toImage(found);
      } catch (error) {
        leave(picture);
        throw error;
      }
      if (tried === 3) throw new Trouble("The server forgot this photo.", "again");
    }
  }

  /**
   * @param {Blob} file
   * @param {Pick<Hooks, "signal" | "progress">} hooks
   * @returns {Promise<string>}
   */
  async function upload(file, { signal, progress }) {
    if (file.size > max_bytes) throw new Trouble(`This file is too large: over ${megabytes} MB.`);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how far it is
      request.responseType = "json";
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        if (!total) return;
        const text = `Sending ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
        progress({ text, part: loaded / total });
      });
      request.addEventListener("load", () => {
        const problem = request.response?.error ?? tooMuch(request.status);
        if (request.status === 201) resolve(request.response.photo);
        else reject(problem ? new Trouble(problem) : lost());
      });
      request.addEventListener("error", () => reject(lost()));
      signal.addEventListener("abort", () => {
        request.abort();
        reject(signal.reason);
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
    stylize: ({ photo, program, mixture, size }, hooks) =>
      ask(photo.file, { program: program.name, mixture, size }, hooks),
    open: (file, signal) => ask(file, {}, { signal, progress: () => undefined }),
  };
}

/**
 * @param {string} picture
 * @param {Pick<Hooks, "signal" | "progress">} hooks
 * @returns {Promise<Blob | undefined>} nothing if the server has forgotten it
 */
async function waitFor(picture, { signal, progress }) {
  const began = performance.now();
  for (;;) {
    const answer = await patientFetch(`pictures/${picture}`, { signal });
    if (answer.status === 200) return answer.blob();
    if (answer.status === GONE) return undefined;
    const { ahead, seconds } = await content(answer);
    const waited = (performance.now() - began) / 1000;
    const part = seconds === null ? {} : { part: waited / (waited + seconds + 0.1) };
    const first = ahead > 0 ? `Waiting for ${ahead} ${ahead === 1 ? "picture" : "pictures"}` : "Painting";
    progress({ text: first + left(seconds), ...part });
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
  throw new Trouble(said.error ?? "The server does not answer as it should.", "again");
}

function lost() {
  return new Trouble("The connection was lost. Your photo is still here.", "again");
}
