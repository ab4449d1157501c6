/** Keeps what was fetched, so that the page works offline; and lets it use several threads. */

const CACHE = "faststyle-VERSION";
const PAGE = PAGE_FILES;

addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(PAGE)));
  /** @type {any} */ (self).skipWaiting();
});

addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(forgetOthers().then(() => /** @type {any} */ (self).clients.claim()));
});

addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(location.origin)) event.respondWith(find(event.request));
});

async function forgetOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("faststyle-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** @param {Request} request */
async function find(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return isolated(kept);
  const answer = await fetch(request);
  if (answer.status === 200) await cache.put(request, answer.clone());
  return isolated(answer);
}

/** Browsers share memory among threads only on pages that nothing else shares. @param {Response} answer */
function isolated(answer) {
  if (answer.status === 0) return answer;
  const headers = new Headers(answer.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}
