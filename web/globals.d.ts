/** What build.mjs puts in their place. */
declare const WASM_BYTES: number;
declare const WEBGPU_BYTES: number;
declare const PAGE_FILES: string[];
