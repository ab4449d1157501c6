/** What the page and its worker say to each other. Pixels are RGBA, as a canvas has them. */

export interface Wish {
  style: string;
  /** Of a program of several styles, the weight of each. */
  mixture?: number[];
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

export interface Result {
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  backend: string;
  milliseconds: number;
}

export interface Failure {
  error: string;
}
