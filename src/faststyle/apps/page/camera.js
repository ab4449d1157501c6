/** A photo from the camera: by the phone's own app, or by what a computer has above its screen. */

/**
 * @param {{button: HTMLButtonElement, input: HTMLInputElement, dialog: HTMLDialogElement}} places
 * @param {(photo: File) => void} take
 * @param {() => void} refused called if there is no camera, or the visitor does not allow it
 */
export function offerCamera({ button, input, dialog }, take, refused) {
  const isPhone = matchMedia("(pointer: coarse)").matches;
  const video = /** @type {HTMLVideoElement} */ (dialog.querySelector("video"));
  button.hidden = !isPhone && !navigator.mediaDevices; // which only secure pages have

  const release = () => {
    /** @type {MediaStream | null} */ (video.srcObject)?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };

  button.addEventListener("click", async () => {
    if (isPhone) return input.click();
    button.disabled = true; // until the visitor has allowed it, or not
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
      await video.play();
      dialog.showModal();
    } catch {
      release();
      refused();
    } finally {
      button.disabled = false;
    }
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "take") void photograph(video).then(take, refused);
    dialog.returnValue = "";
    release();
  });
}

/**
 * What the camera sees now.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<File>}
 */
function photograph(video) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(video, 0, 0);
  const type = "image/jpeg";
  return new Promise((resolve, reject) => {
    const keep = (/** @type {Blob | null} */ blob) =>
      blob ? resolve(new File([blob], "camera.jpg", { type })) : reject(new Error("no picture"));
    canvas.toBlob(keep, type, 0.95);
  });
}
