/** The line between before and after: dragged on the picture itself, or moved by keys. */

const STEP = 5;
const SIDEWAYS = 8; // pixels

/**
 * @param {HTMLElement} picture what is dragged on; `--split` is the part of it that is before
 * @param {HTMLElement} divider the line
 * @returns {(part: number) => void} puts the line at so many hundredths
 */
export function makeDivider(picture, divider) {
  let part = 0;

  /** @param {number} value */
  function put(value) {
    part = Math.min(100, Math.max(0, Math.round(value)));
    picture.style.setProperty("--split", `${part}%`);
    divider.setAttribute("aria-valuenow", String(part));
    divider.setAttribute("aria-valuetext", `${part} % of the picture is the photo`);
  }

  /** @param {PointerEvent} event */
  function follow({ clientX }) {
    const { left, width } = picture.getBoundingClientRect();
    put((100 * (clientX - left)) / width);
  }

  /** Where a finger came down, until it has moved sideways: it may be about to scroll. */
  let touched = NaN;
  /** @param {PointerEvent} event */
  function move(event) {
    if (Math.abs(event.clientX - touched) < SIDEWAYS) return;
    touched = NaN;
    follow(event);
  }

  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || picture.classList.contains("brushing")) return;
    picture.setPointerCapture(event.pointerId);
    picture.addEventListener("pointermove", move);
    if (event.pointerType === "touch") touched = event.clientX;
    else follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => picture.removeEventListener("pointermove", move));
  }
  divider.addEventListener("keydown", (event) => {
    const moved = { ArrowLeft: part - STEP, ArrowDown: part - STEP, ArrowRight: part + STEP,
      ArrowUp: part + STEP, Home: 0, End: 100 }[event.key];
    if (moved === undefined) return;
    event.preventDefault();
    put(moved);
  });
  put(0);
  return put;
}
