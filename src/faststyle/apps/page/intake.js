/** All ways in which a photo comes: chosen, taken, dropped, or pasted. */

import { offerCamera } from "./camera.js";

/**
 * @param {(id: string) => any} element
 * @param {(photo: File) => void} take
 * @param {() => void} refused called if there is no camera that may be used
 */
export function takePhotos(element, take, refused) {
  const [file, camera] = [element("file"), element("camera")];
  for (const id of ["choose", "other"]) element(id).addEventListener("click", () => file.click());
  const places = { button: element("shoot"), input: camera, dialog: element("viewfinder") };
  offerCamera(places, take, refused);
  for (const input of [file, camera]) {
    input.addEventListener("change", () => {
      if (input.files?.length) take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  element("drop").addEventListener("click", (/** @type {MouseEvent} */ { target }) => {
    if (!(/** @type {Element} */ (target).closest("button"))) file.click();
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData?.files.length) take(clipboardData.files[0]);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      element("stage").classList.toggle("over", kind === "dragover");
      const dropped = /** @type {DragEvent} */ (event).dataTransfer?.files;
      if (kind === "drop" && dropped?.length) take(dropped[0]);
    });
  }
}
