/** Keeps the page's own files for when there is no network; and lets it use several threads. */

/** What is large is kept by worker.js, once it is whole. */
const PAGE = PAGE_FILES;
const PAGE_CACHE = `faststyle page ${/** @type {any} */ (self).registration.scope}`;
/** Not in what worker.js keeps: of that the version counts, which is behind the question mark. */
const KEPT = { cacheName: PAGE_CACHE, ignoreSearch: true };
const PATIENCE = 4000; // milliseconds, after which what was kept is used

addEventListener("install", (/** @type {any} */ event) => {
  const fresh = PAGE.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(PAGE_CACHE).then((cache) => cache.addAll(fresh)));
  /** @type {any} */ (self).skipWaiting();
});

addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(/** @type {any} */ (self).clients.claim());
});

addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(location.origin)) event.respondWith(find(event));
});

/** Always the newest files if there is a network, so that those of two versions never meet. */
async function find(/** @type {any} */ event) {
  const { request } = event;
  const kept = await caches.match(request, KEPT).catch(() => undefined);
  const late = kept && new Promise((resolve) => setTimeout(() => resolve(kept.clone()), PATIENCE));
  const asked = fetch(request, kept ? { cache: "no-cache" } : {});
  if (kept) event.waitUntil(asked.then((answer) => keep(request, answer.clone())).catch(() => undefined));
  try {
    return isolated(await (late ? Promise.race([asked, late]) : asked));
  } catch (error) {
    if (kept) return isolated(kept);
    throw error;
  }
}

/** A full disk is no reason not to answer. @param {Request} request @param {Response} answer */
async function keep(request, answer) {
  if (answer.status !== 200) return;
  const cache = await caches.open(PAGE_CACHE);
  await cache.put(new URL(request.url).pathname, answer);
}

/** Browsers share memory among threads only on pages that nothing else shares. @param {Response} answer */
function isolated(answer) {
  if (answer.status === 0) return answer;
  const headers = new Headers(answer.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}
