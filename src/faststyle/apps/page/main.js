/** The page: a photo, a style, and the stylized picture over the photo. */

import { makeBrush } from "./brush.js";
import { makeChooser } from "./chooser.js";
import { makeDivider } from "./compare.js";
import { takePhotos } from "./intake.js";
import { blend, draw, encode, forget, isTransparent, sizeBy, toImage, toPixels } from "./pixels.js";
import { isSmallest, useSmaller, chosenSize } from "./sizes.js";
import { Trouble, ask } from "./trouble.js";

/** @param {string} id @returns {any} */
function element(id) {
  return document.getElementById(id);
}

/** Milliseconds after the last change until its result is asked for. */
const DELAY = 250;

const [before, after, picture, drop, status, save, strength, colors] = ["before", "after", "picture",
  "drop", "status", "save", "strength", "colors"].map(element);
const putDivider = makeDivider(picture, element("divider"));
const brush = makeBrush(picture, element, mix);

/** What is seen, and belongs together whatever is chosen meanwhile.
 *
 * @typedef {object} Shown
 * @property {ImageData} photo
 * @property {ImageData} stylized
 * @property {string} name
 * @property {string} type
 * @property {boolean} isDraft whether a finer one was still to come
 */

/** @type {import("./server.js").Engine} */
let engine;
/** @type {() => import("./chooser.js").Choice | undefined} */
let choice;
/** @type {import("./pixels.js").Photo | undefined} */
let photo;
/** @type {Shown | undefined} */
let shown;
/** Of the latest request, which ends all before it. */
let attempt = new AbortController();
/** What "Try again" does. @type {() => void} */
let retry = () => schedule(0);

/**
 * @param {string} text
 * @param {"ready" | "busy" | "done" | "error"} state
 * @param {"again" | "smaller" | "none"} remedy
 */
function say(text, state, remedy = "none") {
  const focused = document.activeElement;
  status.textContent = text;
  status.dataset.state = state;
  element("work").hidden = state !== "busy";
  picture.setAttribute("aria-busy", String(state === "busy"));
  if (state === "error" || (state === "busy" && shown)) picture.classList.add("old");
  if (state === "done") picture.classList.remove("old");
  save.disabled = state !== "done";
  element("again").hidden = remedy !== "again";
  element("smaller").hidden = remedy !== "smaller" || isSmallest();
  element("other").hidden = !photo;
  drop.hidden = Boolean(photo);
  element("brush").disabled = !shown;
  picture.hidden = !photo;
  refocus(focused);
}

/** What has the focus may have gone: then it goes to what comes next. @param {Element | null} before */
function refocus(before) {
  const isGone = (/** @type {Element | null} */ one) =>
    !one || !(/** @type {HTMLElement} */ (one).offsetParent) || /** @type {any} */ (one).disabled;
  if (!before || before === document.body || !isGone(before)) return;
  const next = ["again", "smaller", "cancel", "save", "divider", "choose"].map((id) => element(id));
  next.find((one) => !isGone(one))?.focus({ preventScroll: true });
}

/** @param {import("./server.js").Progress} progress */
function tell({ text, part }) {
  element("doing").textContent = text;
  if (part === undefined) element("bar").removeAttribute("value");
  else element("bar").value = part;
  // Spoken, but not at each second.
  const [what] = text.split(/: | …/);
  if (!status.textContent?.startsWith(what)) status.textContent = `${what} …`;
}

/** End what is under way. */
function restart() {
  attempt.abort(new DOMException("another request", "AbortError"));
  attempt = new AbortController();
  return attempt.signal;
}

/** Show another photo at once; nothing of the one before stays. @param {File} file */
async function take(file) {
  const signal = restart();
  forget(photo?.image);
  photo = shown = undefined;
  say("Opening the photo …", "busy");
  try {
    const image = await open(file, signal);
    if (signal.aborted) return forget(image);
    photo = { file, image, name: file.name.replace(/\.[^.]*$/, "") || "photo" };
  } catch (error) {
    if (signal.aborted) return;
    retry = () => take(file);
    if (error instanceof Trouble) return say(error.message, "error", error.remedy);
    return say("This is not a picture that your browser can read. Try it as JPEG or PNG.", "error");
  }
  const factor = Math.min(1, 1600 / Math.max(photo.image.naturalWidth, photo.image.naturalHeight));
  showPhoto(photo.image, factor);
  brush.begin(photo.image.naturalWidth / photo.image.naturalHeight);
  putDivider(0);
  schedule(0);
}

/** @param {File} file @param {AbortSignal} signal */
async function open(file, signal) {
  try {
    return await toImage(file);
  } catch (error) {
    if (!engine.open) throw error;
    return engine.open(file, { signal, progress: (progress) => signal.aborted || tell(progress) });
  }
}

/** @param {HTMLImageElement} image @param {number} factor */
function showPhoto(image, factor) {
  const pixels = toPixels(image, sizeBy(image, factor));
  draw(before, pixels);
  draw(after, new ImageData(1, 1)); // nothing over it
  picture.classList.add("photo");
  picture.classList.remove("old");
  shape(pixels);
}

/** @param {{width: number, height: number}} size */
function shape({ width, height }) {
  picture.style.setProperty("--shape", String(width / height));
}

/** Ask for a picture once nothing has changed for a while. @param {number} delay */
function schedule(delay = DELAY) {
  if (!photo) return;
  const signal = restart();
  retry = () => schedule(0);
  say("Painting …", "busy");
  tell({ text: "Painting …" });
  const timer = setTimeout(() => stylize(signal), delay);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** @param {AbortSignal} signal */
async function stylize(signal) {
  const chosen = choice();
  const wanted = photo;
  if (!wanted) return;
  if (!chosen) return say("Give one of the styles more than nothing.", "error");
  const began = performance.now();
  const { program, mixture, name } = chosen;
  const facts = { name: `${wanted.name}_${name}`, type: wanted.file.type };
  const look = (/** @type {ImageData} */ stylized, isDraft = false) =>
    signal.aborted || show(wanted, stylized, { ...facts, isDraft });
  const hooks = {
    signal,
    progress: (/** @type {import("./server.js").Progress} */ now) => signal.aborted || tell(now),
    first: (/** @type {ImageData} */ quick) => look(quick, true),
  };
  try {
    look(await engine.stylize({ photo: wanted, program, mixture, size: chosenSize() }, hooks));
    if (signal.aborted) return;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`Done: ${after.width} × ${after.height} pixels in ${seconds} s.`, "done");
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Trouble) return say(error.message, "error", error.remedy);
    console.error(error);
    say("This did not work, and it is not your photo's fault.", "error", "again");
  }
}

/**
 * @param {import("./pixels.js").Photo} wanted
 * @param {ImageData} stylized
 * @param {{name: string, type: string, isDraft: boolean}} facts
 */
function show(wanted, stylized, facts) {
  picture.classList.remove("old", "photo");
  shown = { photo: toPixels(wanted.image, stylized), stylized, ...facts };
  draw(before, shown.photo);
  shape(shown.photo);
  mix();
  const stage = element("stage");
  const { top, bottom } = stage.getBoundingClientRect();
  if (bottom < 100 || top > innerHeight - 100) stage.scrollIntoView({ block: "start" });
}

/** Strength and colors need no pass of the network. */
function mix() {
  element("percent").textContent = `${strength.value} %`;
  if (!shown) return;
  const mask = brush.mask(shown.photo);
  draw(after, blend(shown.photo, shown.stylized, Number(strength.value) / 100, colors.checked, mask));
}

async function saveShown() {
  if (!shown) return;
  const { name, type } = shown;
  const { file, ending } = await encode(after, type, isTransparent(shown.photo));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${name}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function takeExample() {
  const signal = restart();
  say("Fetching the example …", "busy");
  tell({ text: "Fetching the example …" });
  try {
    const file = await ask("example.jpg", { signal }, (answer) => answer.blob());
    void take(new File([file], "example.jpg", { type: "image/jpeg" }));
  } catch (error) {
    if (signal.aborted) return;
    retry = takeExample;
    say(/** @type {Error} */ (error).message, "error", "again");
  }
}

function cancel() {
  restart();
  if (!shown) return say("Cancelled.", "ready", photo ? "again" : "none");
  const what = shown.isDraft ? "this is a first look" : "this is the picture from before";
  say(`Cancelled: ${what}.`, "done", "again");
}

/** Once all is there that the page needs. @param {any} about */
async function begin(about) {
  engine = (await import(`./${about.engine}.js`)).start(about);
  element("privacy").textContent = engine.privacy;
  element("limits").textContent = engine.limits;
  if (about.project) Object.assign(element("project"), { href: about.project, hidden: false });
  choice = makeChooser(about.programs, element, () => schedule());
  element("paint").hidden = !about.paintings;
  for (const control of [strength, colors]) control.addEventListener("input", mix);
  save.addEventListener("click", saveShown);
  element("smaller").addEventListener("click", () => {
    useSmaller();
    schedule(0);
  });
  element("cancel").addEventListener("click", cancel);
  element("example").addEventListener("click", takeExample);
  takePhotos(element, take, () => say("There is no camera that this page may use.", "error"));
  for (const button of drop.querySelectorAll("button")) button.disabled = false;
  say("Choose a photo to begin.", "ready");
}

async function load() {
  status.textContent = "Loading …";
  element("again").hidden = true;
  try {
    const { signal } = new AbortController();
    await begin(await ask("styles.json", { signal }, (answer) => answer.json()));
  } catch (error) {
    console.error(error);
    retry = load;
    status.textContent = "The styles could not be fetched.";
    status.dataset.state = "error";
    element("again").hidden = false;
  }
}

element("needs").hidden = true;
element("page").hidden = false;
element("sizes").addEventListener("change", () => schedule());
element("again").addEventListener("click", () => retry());
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => event.preventDefault()); // the browser would leave
}
void load();
