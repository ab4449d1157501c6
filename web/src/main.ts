/** The page: a photo, a style, and the stylized picture over the photo. */

import type { Failure, Result, Wish } from "./messages";

/** A style, its place among the weights of a mixture, and what it makes of a sample. */
interface Shown {
  name: string;
  place: number;
  sample: string;
}

/** A program of one style, or of several, which takes so many weights. */
interface Program {
  name: string;
  bytes: number;
  weights: number;
  styles: Shown[];
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const photoInput = element<HTMLInputElement>("photo");
const styleSelect = element<HTMLSelectElement>("style");
const sizeSelect = element<HTMLSelectElement>("size");
const strength = element<HTMLInputElement>("strength");
const split = element<HTMLInputElement>("split");
const save = element<HTMLButtonElement>("save");
const canvas = element<HTMLCanvasElement>("picture");
const drop = element("drop");
const mixture = element<HTMLFieldSetElement>("mixture");
const status = element("status");
const worker = new Worker("worker.js", { type: "module" });

let programs: Program[] = [];
/** The slider of a style -> its place among the weights of the program. */
const sliders = new Map<HTMLInputElement, number>();
let file: Blob | undefined;
let photo: OffscreenCanvas | undefined;
let stylized: OffscreenCanvas | undefined;
let busy = false;
let waiting = false;

function say(text: string, state: "ready" | "busy" | "done" | "error"): void {
  status.textContent = text;
  status.dataset.state = state;
}

/** The photo, upright, at most as large as was wished. */
async function decode(source: Blob): Promise<OffscreenCanvas> {
  const bitmap = await createImageBitmap(source, { imageOrientation: "from-image" });
  const factor = Math.min(1, Number(sizeSelect.value) / Math.min(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * factor));
  const height = Math.max(1, Math.round(bitmap.height * factor));
  const result = new OffscreenCanvas(width, height);
  const context = result.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return result;
}

/** Ask for the picture; while one is being made, only the last wish is kept. */
async function request(): Promise<void> {
  if (!file) return;
  if (busy) {
    waiting = true;
    return;
  }
  const style = styleSelect.value;
  const weights = new Array<number>(chosen()?.weights ?? 0).fill(0);
  for (const [slider, place] of sliders) weights[place] = Number(slider.value);
  if (weights.length > 0 && !weights.some((weight) => weight > 0)) {
    say("Give one of the styles more than nothing.", "error");
    return;
  }
  busy = true;
  say("Stylizing …", "busy");
  try {
    photo = await decode(file);
  } catch {
    finish();
    say("This file is not a picture that your browser can read.", "error");
    return;
  }
  const { width, height } = photo;
  const { data } = photo.getContext("2d")!.getImageData(0, 0, width, height);
  const mixed = weights.length > 0 ? { mixture: weights } : {};
  const wish: Wish = { style, ...mixed, pixels: data, width, height };
  worker.postMessage(wish, [data.buffer]);
}

/** One slider for each style of a program of several; its sample chooses that style alone. */
function offerMixture(): void {
  const program = chosen();
  mixture.hidden = !program?.weights;
  mixture.replaceChildren();
  sliders.clear();
  if (!program?.weights) return;
  program.styles.forEach(({ name, place, sample }, index) => {
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: "0", max: "1", step: "0.05" });
    slider.value = index === 0 ? "1" : "0";
    slider.addEventListener("change", () => void request());
    const button = document.createElement("button");
    button.type = "button";
    button.title = `${words(name)} alone`;
    const image = new Image();
    Object.assign(image, { src: sample, alt: button.title });
    button.append(image);
    button.addEventListener("click", () => {
      for (const other of sliders.keys()) other.value = other === slider ? "1" : "0";
      void request();
    });
    const label = document.createElement("label");
    label.append(words(name), slider);
    const item = document.createElement("div");
    item.append(button, label);
    mixture.append(item);
    sliders.set(slider, place);
  });
}

function chosen(): Program | undefined {
  return programs.find(({ name }) => name === styleSelect.value);
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}

function finish(): void {
  busy = false;
  if (waiting) {
    waiting = false;
    void request();
  }
}

function draw(target: HTMLCanvasElement | OffscreenCanvas, before: number): void {
  if (!photo || !stylized) return;
  target.width = photo.width;
  target.height = photo.height;
  const context = target.getContext("2d") as CanvasRenderingContext2D;
  context.drawImage(photo, 0, 0);
  const left = Math.round(before * photo.width);
  const width = photo.width - left;
  if (width === 0) return;
  context.globalAlpha = Number(strength.value);
  context.drawImage(stylized, left, 0, width, photo.height, left, 0, width, photo.height);
}

worker.addEventListener("message", ({ data }: MessageEvent<Result | Failure>) => {
  if ("error" in data) {
    say(`This did not work: ${data.error}`, "error");
  } else {
    stylized = new OffscreenCanvas(data.width, data.height);
    const image = new ImageData(data.pixels, data.width, data.height);
    stylized.getContext("2d")!.putImageData(image, 0, 0);
    draw(canvas, Number(split.value));
    save.disabled = false;
    const seconds = (data.milliseconds / 1000).toFixed(1);
    say(`${data.width} × ${data.height} pixels in ${seconds} s by ${data.backend}`, "done");
  }
  finish();
});
worker.addEventListener("error", () => {
  say("This browser cannot run the page's worker.", "error");
  finish();
});

function take(files: FileList | undefined | null): void {
  if (!files?.length) return;
  file = files[0];
  void request();
}

photoInput.addEventListener("change", () => take(photoInput.files));
styleSelect.addEventListener("change", () => {
  offerMixture();
  void request();
});
sizeSelect.addEventListener("change", () => void request());
for (const slider of [strength, split]) {
  slider.addEventListener("input", () => draw(canvas, Number(split.value)));
}
document.addEventListener("paste", (event) => take(event.clipboardData?.files));
for (const kind of ["dragover", "dragleave", "drop"] as const) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer?.files);
  });
}
save.addEventListener("click", async () => {
  const whole = new OffscreenCanvas(1, 1);
  draw(whole, 0);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await whole.convertToBlob({ type: "image/png" }));
  link.download = `${styleSelect.value}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
});

async function start(): Promise<void> {
  const answer = await fetch("styles.json");
  if (!answer.ok) throw new Error(`styles.json: ${answer.status}`);
  programs = (await answer.json()) as Program[];
  for (const { name, bytes, weights, styles } of programs) {
    const held = weights > 0 ? `: ${styles.length} styles to mix` : "";
    styleSelect.add(new Option(`${words(name)}${held} (${(bytes / 1e6).toFixed(1)} MB)`, name));
  }
  offerMixture();
  say("Choose a photo, drop it below, or paste it.", "ready");
}

start().catch((error: Error) => say(`The styles could not be loaded: ${error.message}`, "error"));
