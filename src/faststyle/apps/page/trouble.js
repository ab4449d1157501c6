/** What went wrong, in words for a visitor, and what helps against it. */
export class Trouble extends Error {
  /**
   * @param {string} message
   * @param {"again" | "smaller" | "none"} remedy the button that is offered
   */
  constructor(message, remedy = "none") {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * Wait; rejects at once if `signal` is aborted.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
export function pause(milliseconds, signal) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      const give_up = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", give_up);
        resolve();
      }, milliseconds);
      if (signal.aborted) give_up();
      else signal.addEventListener("abort", give_up, { once: true });
    })
  );
}

/**
 * Fetch; what fails by the network or the server's overload is tried three times.
 *
 * @param {string} address
 * @param {RequestInit & {signal: AbortSignal}} options
 * @returns {Promise<Response>}
 */
export async function patientFetch(address, options) {
  for (let tried = 1; ; tried++) {
    try {
      const answer = await fetch(address, options);
      if (answer.status < 500 && answer.status !== 429) return answer;
    } catch {
      options.signal.throwIfAborted();
    }
    if (tried === 3) {
      throw new Trouble("The connection was lost. Your photo is still here.", "again");
    }
    await pause(500 * tried, options.signal);
  }
}
