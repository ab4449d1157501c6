/** The page: a photo, a style, and the stylized picture over the photo. */

import type { Failure, Result, Wish } from "./messages";

interface Style {
  name: string;
  bytes: number;
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
const status = element("status");
const worker = new Worker("worker.js", { type: "module" });

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
  const wish: Wish = { style: styleSelect.value, pixels: data, width, height };
  worker.postMessage(wish, [data.buffer]);
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
styleSelect.addEventListener("change", () => void request());
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
  for (const { name, bytes } of (await answer.json()) as Style[]) {
    const label = `${name.replaceAll("_", " ")} (${(bytes / 1e6).toFixed(1)} MB)`;
    styleSelect.add(new Option(label, name));
  }
  say("Choose a photo, drop it below, or paste it.", "ready");
}

start().catch((error: Error) => say(`The styles could not be loaded: ${error.message}`, "error"));
