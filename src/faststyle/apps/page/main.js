/** The page: a photo, a style, and the stylized picture over the photo. */

import { offerCamera } from "./camera.js";
import { makeChooser } from "./chooser.js";
import { makeDivider } from "./compare.js";
import { blend, draw, encode, toImage, toPixels } from "./pixels.js";
import { Trouble } from "./trouble.js";

/**
 * @template {HTMLElement} T
 * @param {string} id
 */
function element(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/** Pixels of the short side, in words. */
const SIZES = [["Quick", 256], ["Fine", 512], ["Print", 1080]];
const USUAL = 512;
/** Milliseconds after the last change until its result is asked for. */
const DELAY = 250;

const before = /** @type {HTMLCanvasElement} */ (element("before"));
const after = /** @type {HTMLCanvasElement} */ (element("after"));
const picture = element("picture");
const stage = element("stage");
const drop = element("drop");
const status = element("status");
const work = element("work");
const bar = /** @type {HTMLProgressElement} */ (element("bar"));
const save = /** @type {HTMLButtonElement} */ (element("save"));
const strength = /** @type {HTMLInputElement} */ (element("strength"));
const colors = /** @type {HTMLInputElement} */ (element("colors"));
const putDivider = makeDivider(picture, element("divider"));

/** What is seen, and belongs together whatever is chosen meanwhile.
 *
 * @typedef {object} Shown
 * @property {ImageData} photo
 * @property {ImageData} stylized
 * @property {string} name
 * @property {string} type
 */

/** @type {import("./server.js").Engine} */
let engine;
/** @type {() => import("./chooser.js").Choice | undefined} */
let choice;
/** @type {import("./pixels.js").Photo | undefined} */
let photo;
/** @type {Shown | undefined} */
let shown;
/** Of the latest wish, which ends all before it. */
let attempt = new AbortController();

/**
 * @param {string} text
 * @param {"ready" | "busy" | "done" | "error"} state
 * @param {"again" | "smaller" | "none"} remedy
 */
function say(text, state, remedy = "none") {
  status.textContent = text;
  status.dataset.state = state;
  const busy = state === "busy";
  work.hidden = !busy;
  picture.setAttribute("aria-busy", String(busy));
  picture.classList.toggle("old", state !== "done" && Boolean(shown));
  picture.classList.toggle("photo", !shown);
  save.disabled = state !== "done";
  element("again").hidden = remedy !== "again";
  element("smaller").hidden = remedy !== "smaller" || wishedSize() === SIZES[0][1];
  element("other").hidden = !photo;
  drop.hidden = Boolean(photo);
  picture.hidden = !photo;
}

/** @param {import("./server.js").Progress} progress */
function tell({ text, part }) {
  element("doing").textContent = text;
  if (part === undefined) bar.removeAttribute("value");
  else bar.value = part;
}

/** End what is under way. */
function restart() {
  attempt.abort(new DOMException("another wish", "AbortError"));
  attempt = new AbortController();
  return attempt.signal;
}

/** Show another photo at once; nothing of the one before stays. @param {File} file */
async function take(file) {
  const signal = restart();
  photo = shown = undefined;
  say("Opening the photo …", "busy");
  try {
    const image = await open(file, signal);
    if (signal.aborted) return;
    photo = { file, image, name: file.name.replace(/\.[^.]*$/, "") || "photo" };
  } catch (error) {
    if (signal.aborted) return;
    const known = error instanceof Trouble ? error.message : undefined;
    say(known ?? "This file is not a picture that your browser can read.", "error");
    return;
  }
  const factor = Math.min(1, 1600 / Math.max(photo.image.naturalWidth, photo.image.naturalHeight));
  showPhoto(photo.image, factor);
  putDivider(0);
  wish(0);
}

/** @param {File} file @param {AbortSignal} signal */
async function open(file, signal) {
  try {
    return await toImage(file);
  } catch (error) {
    if (!engine.open) throw error;
    return engine.open(file, signal);
  }
}

/** @param {HTMLImageElement} image @param {number} factor */
function showPhoto(image, factor) {
  const scale = (/** @type {number} */ side) => Math.max(1, Math.round(side * factor));
  const pixels = toPixels(image, {
    width: scale(image.naturalWidth), height: scale(image.naturalHeight) });
  draw(before, pixels);
  draw(after, new ImageData(1, 1)); // nothing over it
  shape(pixels);
}

/** @param {{width: number, height: number}} size */
function shape({ width, height }) {
  picture.style.setProperty("--shape", String(width / height));
}

/** Ask for a picture once nothing has changed for a while. @param {number} delay */
function wish(delay = DELAY) {
  if (!photo) return;
  const signal = restart();
  say("Painting …", "busy");
  tell({ text: "Painting …" });
  const timer = setTimeout(() => grant(signal), delay);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** @param {AbortSignal} signal */
async function grant(signal) {
  const chosen = choice();
  const wanted = photo;
  if (!wanted) return;
  if (!chosen) return say("Give one of the styles more than nothing.", "error");
  const began = performance.now();
  const { program, mixture, name } = chosen;
  const facts = { name: `${wanted.name}_${name}`, type: wanted.file.type };
  const ifCurrent = (/** @type {Function} */ call) => (/** @type {unknown[]} */ ...given) =>
    signal.aborted ? undefined : call(...given);
  const hooks = {
    signal,
    progress: ifCurrent(tell),
    first: ifCurrent((/** @type {ImageData | HTMLImageElement} */ quick) => show(wanted, quick, facts)),
  };
  try {
    const result = await engine.stylize({ photo: wanted, program, mixture, size: wishedSize() }, hooks);
    if (signal.aborted) return;
    show(wanted, result, facts);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`Done: ${after.width} × ${after.height} pixels in ${seconds} s.`, "done");
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Trouble) return say(error.message, "error", error.remedy);
    say(`This did not work: ${/** @type {Error} */ (error).message}`, "error", "again");
  }
}

/**
 * @param {import("./pixels.js").Photo} wanted
 * @param {ImageData | HTMLImageElement} result
 * @param {{name: string, type: string}} facts
 */
function show(wanted, result, facts) {
  const stylized = result instanceof ImageData ? result
    : toPixels(result, { width: result.naturalWidth, height: result.naturalHeight });
  shown = { photo: toPixels(wanted.image, stylized), stylized, ...facts };
  draw(before, shown.photo);
  shape(shown.photo);
  mix();
  const { top, bottom } = stage.getBoundingClientRect();
  if (bottom < 100 || top > innerHeight - 100) stage.scrollIntoView({ block: "start" });
}

/** Strength and colors need no pass of the network. */
function mix() {
  element("percent").textContent = `${strength.value} %`;
  if (!shown) return;
  draw(after, blend(shown.photo, shown.stylized, Number(strength.value) / 100, colors.checked));
}

function wishedSize() {
  const radio = document.querySelector("input[name=size]:checked");
  return Number(/** @type {HTMLInputElement} */ (radio).value);
}

async function saveShown() {
  if (!shown) return;
  const { name, type } = shown;
  const { file, ending } = await encode(after, type);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${name}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function offerSizes() {
  for (const [word, pixels] of SIZES) {
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "size", value: pixels, checked: pixels === USUAL });
    radio.addEventListener("change", () => wish());
    const label = document.createElement("label");
    label.append(radio, ` ${word} `);
    const small = document.createElement("small");
    small.textContent = `${pixels} pixels`;
    label.append(small);
    element("sizes").append(label);
  }
}

function useSmaller() {
  const radios = [...document.querySelectorAll("input[name=size]")];
  const index = radios.findIndex((radio) => /** @type {HTMLInputElement} */ (radio).checked);
  /** @type {HTMLInputElement} */ (radios[Math.max(0, index - 1)]).checked = true;
  wish(0);
}

/** All ways in which a photo comes. */
function takePhotos() {
  const [file, camera] = ["file", "camera"].map((id) => /** @type {HTMLInputElement} */ (element(id)));
  for (const button of ["choose", "other"]) element(button).addEventListener("click", () => file.click());
  const dialog = /** @type {HTMLDialogElement} */ (element("viewfinder"));
  offerCamera({ button: element("shoot"), input: camera, dialog }, take, () =>
    say("There is no camera that this page may use.", "error"));
  for (const input of [file, camera]) {
    input.addEventListener("change", () => {
      if (input.files?.length) void take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  drop.addEventListener("click", ({ target }) => {
    if (!(/** @type {Element} */ (target).closest("button"))) element("choose").click();
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData?.files.length) void take(clipboardData.files[0]);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      stage.classList.toggle("over", kind === "dragover");
      const dropped = /** @type {DragEvent} */ (event).dataTransfer?.files;
      if (kind === "drop" && dropped?.length) void take(dropped[0]);
    });
  }
  element("example").addEventListener("click", takeExample);
}

async function takeExample() {
  try {
    const answer = await fetch("example.jpg");
    if (!answer.ok) throw new Error(answer.statusText);
    void take(new File([await answer.blob()], "example.jpg", { type: "image/jpeg" }));
  } catch {
    say("The example could not be fetched. Please try again.", "error");
  }
}

async function start() {
  element("needs").hidden = true;
  element("page").hidden = false;
  const answer = await fetch("styles.json");
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  const about = await answer.json();
  engine = (await import(`./${about.engine}.js`)).start(about);
  element("privacy").textContent = engine.privacy;
  element("limits").textContent = engine.limits;
  const places = { styles: element("styles"), mixture: element("mixture"),
    mixing: /** @type {HTMLDetailsElement} */ (element("mixing")) };
  choice = makeChooser(about.programs, places, wish);
  offerSizes();
  for (const control of [strength, colors]) control.addEventListener("input", mix);
  save.addEventListener("click", saveShown);
  element("again").addEventListener("click", () => wish(0));
  element("smaller").addEventListener("click", useSmaller);
  element("cancel").addEventListener("click", () => {
    restart();
    if (shown) say("Cancelled: this is the picture from before.", "done", "again");
    else say("Cancelled.", "ready", "again");
  });
  takePhotos();
  say("Choose a photo to begin.", "ready");
}

start().catch((/** @type {Error} */ error) => {
  status.textContent = `The styles could not be fetched (${error.message}). Please reload the page.`;
  status.dataset.state = "error";
});
