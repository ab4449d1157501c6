/** A brush that brings the photo back where a visitor paints, or the style again. */

const SIDE = 1024; // of the strokes, the longer one; pictures of any size are made of them
const SOFT = 0.6; // of the width, within which a stroke is whole

/**
 * @typedef {object} Brush
 * @property {(size: {width: number, height: number}) => Uint8ClampedArray | undefined} mask how much
 *   of the photo each pixel of a picture has back, to 255; nothing where nothing was painted
 * @property {(shape?: number) => void} begin with an empty picture of a shape, width by height
 */

/**
 * @param {HTMLElement} picture what is painted on
 * @param {(id: string) => any} element
 * @param {() => void} changed called once a frame while something is painted
 * @returns {Brush}
 */
export function makeBrush(picture, element, changed) {
  const strokes = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (
    strokes.getContext("2d", { willReadFrequently: true })
  );
  const [tools, width, tip] = [element("brush"), element("width"), element("tip")];
  let isEmpty = true;
  let frame = 0;
  /** Where the pointer was, in parts of the picture. @type {{x: number, y: number} | undefined} */
  let last;

  function kind() {
    return tools.querySelector("input[name=brush]:checked").value;
  }

  function tell() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      changed();
    });
  }

  /** @param {PointerEvent} event */
  function placeOf({ clientX, clientY }) {
    const { left, top, width, height } = picture.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  /** The stroke's radius in pixels, of the strokes or of the screen. @param {{width: number, height: number}} size */
  function radiusIn({ width: across, height }) {
    return (Number(width.value) / 200) * Math.min(across, height);
  }

  /** @param {{x: number, y: number}} place */
  function stamp({ x, y }) {
    const radius = radiusIn(strokes);
    const [middle, down] = [x * strokes.width, y * strokes.height];
    const soft = context.createRadialGradient(middle, down, SOFT * radius, middle, down, radius);
    soft.addColorStop(0, "#000");
    soft.addColorStop(1, "#0000");
    context.globalCompositeOperation = kind() === "photo" ? "source-over" : "destination-out";
    context.fillStyle = soft;
    context.fillRect(middle - radius, down - radius, 2 * radius, 2 * radius);
  }

  /** @param {PointerEvent} event */
  function paint(event) {
    if (!event.isPrimary) return; // a second finger
    const place = placeOf(event);
    const from = last ?? place;
    const length = Math.hypot((place.x - from.x) * strokes.width, (place.y - from.y) * strokes.height);
    const stamps = Math.max(1, Math.ceil((4 * length) / radiusIn(strokes)));
    for (let i = 1; i <= stamps; i++) {
      const part = i / stamps;
      stamp({ x: from.x + part * (place.x - from.x), y: from.y + part * (place.y - from.y) });
    }
    last = place;
    isEmpty = false;
    tell();
  }

  /** A circle shows how wide it would be. @param {PointerEvent} event */
  function show(event) {
    const { x, y } = placeOf(event);
    const side = `${2 * radiusIn(picture.getBoundingClientRect())}px`;
    Object.assign(tip.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: side, height: side });
  }

  picture.addEventListener("pointerdown", (event) => {
    if (!kind() || tools.disabled || event.button !== 0 || !event.isPrimary) return;
    picture.setPointerCapture(event.pointerId);
    picture.addEventListener("pointermove", paint);
    paint(event);
  });
  picture.addEventListener("pointermove", show);
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => {
      picture.removeEventListener("pointermove", paint);
      last = undefined;
    });
  }
  tools.addEventListener("change", () => picture.classList.toggle("brushing", kind() !== ""));
  for (const what of ["photo", "style"]) {
    element(`fill-${what}`).addEventListener("click", () => {
      begin();
      isEmpty = what === "style";
      if (!isEmpty) context.fillRect(0, 0, strokes.width, strokes.height);
      tell();
    });
  }

  /** @param {number} [shape] */
  function begin(shape = strokes.width / strokes.height) {
    strokes.width = Math.max(1, Math.round(SIDE * Math.min(1, shape))); // this wipes it, too
    strokes.height = Math.max(1, Math.round(SIDE * Math.min(1, 1 / shape)));
    isEmpty = true;
  }

  return {
    begin,
    mask({ width, height }) {
      if (isEmpty) return undefined;
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      const scaled = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      scaled.imageSmoothingQuality = "high";
      scaled.drawImage(strokes, 0, 0, width, height);
      const { data } = scaled.getImageData(0, 0, width, height);
      canvas.width = canvas.height = 0; // as in pixels.js
      const mask = new Uint8ClampedArray(width * height);
      for (let i = 0; i < mask.length; i++) mask[i] = data[4 * i + 3];
      return mask;
    },
  };
}
