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
      const giveUp = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      }, milliseconds);
      if (signal.aborted) giveUp();
      else signal.addEventListener("abort", giveUp, { once: true });
    })
  );
}

export const LOST = "The connection was lost. Please try again, or reload the page.";
const TRIES = 3;
const NO_ANSWER = 20_000; // milliseconds

/**
 * Ask for something, and read the answer; what fails by the network, or by the server's overload,
 * is tried three times.
 *
 * @template T
 * @param {string} address
 * @param {RequestInit & {signal: AbortSignal}} options
 * @param {(answer: Response) => Promise<T>} read
 * @returns {Promise<T>}
 */
export async function ask(address, { signal, ...options }, read) {
  for (let tried = 1; ; tried++) {
    const each = new AbortController();
    const end = () => each.abort(signal.reason);
    const timer = setTimeout(() => each.abort(), NO_ANSWER);
    signal.addEventListener("abort", end);
    try {
      signal.throwIfAborted();
      const answer = await fetch(address, { ...options, signal: each.signal });
      if (answer.status < 500) return await read(answer);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Trouble) throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
    if (tried === TRIES) throw new Trouble(LOST, "again");
    await pause(500 * tried, signal);
  }
}
