/** Files, images and pixels. An ordinary canvas does all of it, as every browser has one. */

/**
 * A photo as the browser shows it: upright, and in sRGB.
 *
 * @typedef {object} Photo
 * @property {Blob} file
 * @property {HTMLImageElement} image
 * @property {string} name without its ending
 */

/**
 * The image holds the file until `forget`.
 *
 * @param {Blob} file
 * @returns {Promise<HTMLImageElement>} rejects if the browser cannot read it
 */
export async function toImage(file) {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    image.src = address;
    await image.decode();
  } catch (error) {
    URL.revokeObjectURL(address);
    throw error;
  }
  if (!image.naturalWidth) throw new Error("a picture without pixels");
  return image;
}

/** Let go of an image that `toImage` made. @param {HTMLImageElement | undefined} image */
export function forget(image) {
  if (image) URL.revokeObjectURL(image.src);
}

/**
 * Height and width at which a photo is stylized: the short side at most `size`.
 *
 * @param {HTMLImageElement} image
 * @param {number} size
 * @param {number} most pixels in all, whatever the shape
 */
export function scaledSize({ naturalWidth, naturalHeight }, size, most) {
  const factor = Math.min(
    1,
    size / Math.min(naturalWidth, naturalHeight),
    Math.sqrt(most / (naturalWidth * naturalHeight)),
  );
  return sizeBy({ naturalWidth, naturalHeight }, factor);
}

/**
 * Height and width of an image that is made smaller.
 *
 * @param {Pick<HTMLImageElement, "naturalWidth" | "naturalHeight">} image
 * @param {number} factor
 */
export function sizeBy({ naturalWidth, naturalHeight }, factor) {
  const scale = (/** @type {number} */ side) => Math.max(1, Math.round(side * factor));
  return { width: scale(naturalWidth), height: scale(naturalHeight) };
}

/**
 * The pixels of an image, scaled.
 *
 * @param {HTMLImageElement} image
 * @param {{width: number, height: number}} size
 */
export function toPixels(image, { width, height }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  canvas.width = canvas.height = 0; // phones count the memory of all canvases together
  return pixels;
}

/**
 * The photo on its way to its stylized version. It keeps the photo's transparency.
 *
 * @param {ImageData} photo
 * @param {ImageData} stylized
 * @param {number} strength 0 is the photo, 1 is the style
 * @param {boolean} keepColors take brightness from the stylized one, and color from the photo
 * @param {Uint8ClampedArray} [mask] how much of the photo each pixel has back, to 255
 */
export function blend(photo, stylized, strength, keepColors, mask) {
  const result = new ImageData(photo.width, photo.height);
  const [from, to, out] = [photo.data, stylized.data, result.data];
  for (let i = 0; i < out.length; i += 4) {
    let [red, green, blue] = [to[i], to[i + 1], to[i + 2]];
    if (keepColors) {
      const shift = luma(red - from[i], green - from[i + 1], blue - from[i + 2]);
      red = bounded(from[i] + shift);
      green = bounded(from[i + 1] + shift);
      blue = bounded(from[i + 2] + shift);
    }
    const part = mask ? strength * (1 - mask[i / 4] / 255) : strength;
    out[i] = from[i] + part * (red - from[i]);
    out[i + 1] = from[i + 1] + part * (green - from[i + 1]);
    out[i + 2] = from[i + 2] + part * (blue - from[i + 2]);
    out[i + 3] = from[i + 3];
  }
  return result;
}

/** As faststyle.images.pixels.to_luma. */
function luma(/** @type {number} */ red, /** @type {number} */ green, /** @type {number} */ blue) {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

function bounded(/** @type {number} */ value) {
  return Math.min(255, Math.max(0, value));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} pixels
 */
export function draw(canvas, pixels) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(pixels, 0, 0);
}

/** Whether anything can be seen through. @param {ImageData} pixels */
export function isTransparent({ data }) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

/** Endings of the formats that browsers write. */
const ENDINGS = new Map([["image/jpeg", "jpg"], ["image/webp", "webp"], ["image/png", "png"]]);

/**
 * A picture as a file, in the photo's format if the browser writes it, and its ending.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} type of the photo
 * @param {boolean} transparent
 * @returns {Promise<{file: Blob, ending: string}>}
 */
export async function encode(canvas, type, transparent) {
  const other = transparent ? "image/png" : "image/jpeg";
  const wanted = ENDINGS.has(type) ? type : other;
  const file = await new Promise((resolve) => canvas.toBlob(resolve, wanted, 0.95));
  if (!file) throw new Error("no picture");
  return { file, ending: ENDINGS.get(file.type) ?? "png" };
}
