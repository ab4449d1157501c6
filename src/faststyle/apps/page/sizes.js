/** How large a picture is to be: its short side in pixels. */

/** @type {RadioNodeList} */
const radios = /** @type {any} */ (document.getElementById("options")).elements.size;

export function chosenSize() {
  return Number(radios.value);
}

export function isSmallest() {
  return chosen() === 0;
}

/** Choose the next smaller size. */
export function useSmaller() {
  /** @type {HTMLInputElement} */ (radios[Math.max(0, chosen() - 1)]).checked = true;
}

function chosen() {
  return [...radios].findIndex((one) => /** @type {HTMLInputElement} */ (one).checked);
}
