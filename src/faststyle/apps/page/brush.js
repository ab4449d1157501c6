/** A brush that brings the photo back where a visitor paints, or the style again. */

const SIDE = 1024; // of the strokes, the longer one; pictures of any size are made of them
const SOFT = 0.6; // of the width, within which a stroke is whole
const KEPT = 20; // steps that can be undone: a megabyte each
/** By a key, in parts of the picture. @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] };

/**
 * @typedef {object} Brush
 * @property {(size: {width: number, height: number}) => Uint8ClampedArray | undefined} mask how much
 *   of the photo each pixel of a picture has back, to 255; nothing where nothing was painted
 * @property {(shape: number) => void} begin with an empty picture of a shape, width by height
 *
 * @typedef {{x: number, y: number}} Place in parts of the picture
 * @typedef {(Uint8ClampedArray | undefined)[]} Steps strokes as they were; nothing was painted yet
 */

/**
 * @param {HTMLElement} picture what is painted on
 * @param {(id: string) => any} element
 * @param {() => void} changed called once a frame while something is painted
 * @returns {Brush}
 */
export function makeBrush(picture, element, changed) {
  const context = newContext(1, 1);
  const strokes = context.canvas;
  const [panel, tools, width, tip, undo, redo] =
    ["brushing", "brush", "width", "tip", "undo", "redo"].map(element);
  let isEmpty = true;
  let frame = 0;
  /** @type {Steps} */
  const past = [];
  /** @type {Steps} */
  const future = [];
  /** Where the brush is. @type {Place} */
  let here = { x: 0.5, y: 0.5 };
  /** Where it was on the way of a stroke. @type {Place | undefined} */
  let last;

  function tell() {
    const focused = document.activeElement;
    undo.disabled = !past.length;
    redo.disabled = !future.length;
    if (focused === undo && undo.disabled) redo.focus();
    if (focused === redo && redo.disabled) undo.focus();
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      changed();
    });
  }

  function now() {
    return isEmpty ? undefined : alphaOf(context);
  }

  /** Before something is painted. */
  function remember() {
    past.push(now());
    past.splice(0, past.length - KEPT);
    future.length = 0;
  }

  /** @param {Steps} from @param {Steps} to */
  function step(from, to) {
    if (tools.disabled || last || !from.length) return;
    to.push(now());
    const alpha = from.pop();
    isEmpty = !alpha;
    const image = context.createImageData(strokes.width, strokes.height);
    alpha?.forEach((value, i) => (image.data[4 * i + 3] = value));
    context.putImageData(image, 0, 0);
    tell();
  }

  /** The stroke's radius in pixels, of the strokes or of the screen. @param {{width: number, height: number}} size */
  function radiusIn({ width: across, height }) {
    return (Number(width.value) / 200) * Math.min(across, height);
  }

  /** @param {Place} place */
  function stamp({ x, y }) {
    const radius = radiusIn(strokes);
    const [middle, down] = [x * strokes.width, y * strokes.height];
    const soft = context.createRadialGradient(middle, down, SOFT * radius, middle, down, radius);
    soft.addColorStop(0, "#000");
    soft.addColorStop(1, "#0000");
    const isPhoto = tools.querySelector(":checked").value === "photo";
    context.globalCompositeOperation = isPhoto ? "source-over" : "destination-out";
    context.fillStyle = soft;
    context.fillRect(middle - radius, down - radius, 2 * radius, 2 * radius);
  }

  function paint() {
    const from = last ?? here;
    const [across, down] = [here.x - from.x, here.y - from.y];
    const length = Math.hypot(across * strokes.width, down * strokes.height);
    const stamps = Math.max(1, Math.ceil((4 * length) / radiusIn(strokes)));
    for (let i = 1; i <= stamps; i++) {
      stamp({ x: from.x + (i / stamps) * across, y: from.y + (i / stamps) * down });
    }
    last = here;
    isEmpty = false;
    tell();
  }

  /** A circle shows where the brush is, and how wide. @param {Place} place */
  function put(place) {
    here = place;
    const side = `${2 * radiusIn(picture.getBoundingClientRect())}px`;
    const [left, top] = [place.x, place.y].map((part) => `${100 * part}%`);
    Object.assign(tip.style, { left, top, width: side, height: side });
  }

  /** @param {PointerEvent} event */
  function follow({ clientX, clientY, isPrimary }) {
    if (!isPrimary) return; // a second finger
    const { left, top, width, height } = picture.getBoundingClientRect();
    put({ x: (clientX - left) / width, y: (clientY - top) / height });
    if (last) paint();
  }

  function lift() {
    last = undefined;
  }

  picture.addEventListener("pointerdown", (event) => {
    if (!panel.open || tools.disabled || event.button !== 0 || !event.isPrimary) return;
    picture.setPointerCapture(event.pointerId);
    follow(event);
    remember();
    paint();
  });
  picture.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, lift);

  tip.addEventListener("focus", () => put(here));
  tip.addEventListener("click", () => {
    remember();
    paint();
    lift();
  });
  tip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const move = MOVES[event.key];
    if (!move || tools.disabled) return;
    event.preventDefault();
    if (event.shiftKey) {
      if (!event.repeat) remember();
      paint();
    }
    const [x, y] = [here.x + move[0], here.y + move[1]].map((part) => Math.min(1, Math.max(0, part)));
    put({ x, y });
    if (event.shiftKey) paint();
    lift();
  });

  undo.addEventListener("click", () => step(past, future));
  redo.addEventListener("click", () => step(future, past));
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    if (key === "z" && !event.shiftKey) step(past, future);
    else step(future, past);
  });
  panel.addEventListener("toggle", () => picture.classList.toggle("brushing", panel.open));
  for (const what of ["photo", "style"]) {
    element(`fill-${what}`).addEventListener("click", () => {
      remember();
      wipe();
      isEmpty = what === "style";
      if (!isEmpty) context.fillRect(0, 0, strokes.width, strokes.height);
      tell();
    });
  }

  function wipe(shape = strokes.width / strokes.height) {
    strokes.width = Math.max(1, Math.round(SIDE * Math.min(1, shape)));
    strokes.height = Math.max(1, Math.round(SIDE * Math.min(1, 1 / shape)));
    isEmpty = true;
  }

  return {
    begin(shape) {
      past.length = future.length = 0;
      wipe(shape);
      tell();
    },
    mask({ width, height }) {
      if (isEmpty) return undefined;
      const scaled = newContext(width, height);
      scaled.imageSmoothingQuality = "high";
      scaled.drawImage(strokes, 0, 0, width, height);
      const mask = alphaOf(scaled);
      scaled.canvas.width = scaled.canvas.height = 0; // as in pixels.js
      return mask;
    },
  };
}

/** @param {number} width @param {number} height */
function newContext(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}

/** How much each pixel was painted, to 255. @param {CanvasRenderingContext2D} context */
function alphaOf(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const alpha = new Uint8ClampedArray(width * height);
  for (let i = 0; i < alpha.length; i++) alpha[i] = data[4 * i + 3];
  return alpha;
}
