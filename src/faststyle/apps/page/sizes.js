/** How large a picture is to be, in words. */

/** Pixels of the short side. @type {[string, number][]} */
const SIZES = [["Quick", 256], ["Fine", 512], ["Print", 1080]];
const USUAL = 512;

/** @param {HTMLElement} place @param {() => void} changed */
export function offerSizes(place, changed) {
  for (const [word, pixels] of SIZES) {
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "size", value: pixels, checked: pixels === USUAL });
    radio.addEventListener("change", changed);
    const small = document.createElement("small");
    small.textContent = `${pixels} pixels`;
    const label = document.createElement("label");
    label.append(radio, ` ${word} `, small);
    place.append(label);
  }
}

/** @returns {HTMLInputElement[]} */
function radios() {
  return [...document.querySelectorAll("input[name=size]")].map((one) => /** @type {HTMLInputElement} */ (one));
}

export function wishedSize() {
  return Number(radios().find(({ checked }) => checked)?.value ?? USUAL);
}

export function isSmallest() {
  return wishedSize() === SIZES[0][1];
}

/** Choose the next smaller size. */
export function useSmaller() {
  const index = radios().findIndex(({ checked }) => checked);
  radios()[Math.max(0, index - 1)].checked = true;
}
