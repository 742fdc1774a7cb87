// Keeps the check page on the phone. SHELL and VERSION are written above by the site.
/* global SHELL, VERSION */
const SHELL_CACHE = `gw-shell-${VERSION}`;
const LISTS = "gw-lists";
const LIST_PATHS = ["/api/v1/labels/keys.json", "/api/v1/labels/status.json"];
const PATIENCE_MS = 4000;

self.addEventListener("install", (happening) => {
  const keep = async () => {
    const shell = await caches.open(SHELL_CACHE);
    await shell.addAll(SHELL.map((address) => new Request(address, { cache: "reload" })));
    await self.skipWaiting();
  };
  happening.waitUntil(keep());
});

self.addEventListener("activate", (happening) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("gw-shell-") && name !== SHELL_CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  happening.waitUntil(tidy());
});

const fromNetwork = (request) => fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });

// The page as it is now; without a network, as it was when it was installed.
const page = async (request) => {
  try {
    return await fromNetwork(request);
  } catch (trouble) {
    const shell = await caches.open(SHELL_CACHE);
    const path = new URL(request.url).pathname;
    const kept = await shell.match(path === "/check" ? "/check" : "/no-network");
    if (kept) return kept;
    throw trouble;
  }
};

const asset = async (request) => {
  const shell = await caches.open(SHELL_CACHE);
  return (await shell.match(request)) ?? fetch(request);
};

self.addEventListener("fetch", (happening) => {
  const { request } = happening;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  // The check page keeps the lists itself and must know when they are not from the network.
  if (LIST_PATHS.includes(address.pathname)) return;
  if (request.mode === "navigate") happening.respondWith(page(request));
  else if (address.pathname.startsWith("/static/")) happening.respondWith(asset(request));
});
