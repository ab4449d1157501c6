/**
 * What the page and its worker say to each other. Pixels are RGBA, as a canvas has them.
 *
 * @typedef {object} Order
 * @property {number} id which grows from order to order
 * @property {string} address of the program, which changes with its content
 * @property {number} bytes of the program
 * @property {number[]} probe what it makes of a tiny picture (faststyle.apps.static_page)
 * @property {number[]} weights of a mixture; none for a program of one style
 * @property {Uint8ClampedArray<ArrayBuffer>} pixels
 * @property {number} width
 * @property {number} height
 * @property {boolean} gpu
 *
 * @typedef {{id?: number} & ({kind: "fetching", what: string, loaded: number, total: number}
 *   | {kind: "probing"}
 *   | {kind: "painting"}
 *   | {kind: "done", pixels: Uint8ClampedArray<ArrayBuffer>, seconds: number}
 *   | {kind: "failed", message: string, remedy: "again" | "smaller" | "none"})} Answer
 */

export {};
