/** What the page and its worker say to each other. Pixels are RGBA, as a canvas has them. */

export interface Order {
  /** Grows from order to order. */
  id: number;
  /** Of the program, which changes with its content. */
  address: string;
  /** Of the program. */
  bytes: number;
  /** What it makes of a tiny picture (scripts/web_styles.py). */
  probe: number[];
  /** Of a mixture; none for a program of one style. */
  weights: number[];
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  gpu: boolean;
}

export type Answer = { id?: number } & (
  | { kind: "fetching"; what: string; loaded: number; total: number }
  | { kind: "probing" }
  | { kind: "painting" }
  | { kind: "done"; pixels: Uint8ClampedArray<ArrayBuffer>; seconds: number }
  | { kind: "failed"; message: string; remedy: "again" | "smaller" | "none" }
);
