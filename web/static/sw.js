// Keeps on the phone: the frame of the site, the check page with all it needs once it was
// opened, and each session's own pages as they were last seen. Sends what waits on the phone
// when the network is back, though no page is open. SHELL, CHECK, VERSION, PUSH_KEY and SENDING
// (what sending.js exports) are written above by the site.
/* global SHELL, CHECK, VERSION, PUSH_KEY, SENDING */
const SHELL_CACHE = `gw-shell-${VERSION}`;
const CHECK_CACHE = `gw-check-${VERSION}`;
const SEEN = "gw-seen-";
const LIST_PATHS = ["/api/v1/labels/keys.json", "/api/v1/labels/status.json"];
// How long the network may take where something is kept to show instead, and where nothing is.
const PATIENCE_MS = 4000;
const LONGEST_MS = 60_000;
const AGAIN_MS = 60_000;
const MOST_SEEN = 40;
const OWN = new RegExp(
  "^/($|board$|sites/|units/[^/]+$|alarms(/|$)|records(/|$)|vessels(/[^/]+/(book|log))?$|trips/[^/]+$|crops/[^/]+$|calls$" +
    "|inspections(/today)?$)",
);

const keepAll = async (name, addresses) => {
  const cache = await caches.open(name);
  // The page without a network is nobody's own.
  const credentials = (address) => (address === "/no-network" ? "omit" : "same-origin");
  await cache.addAll(addresses.map((address) => new Request(address, { cache: "reload", credentials: credentials(address) })));
};

self.addEventListener("install", (happening) => {
  const keep = async () => {
    await keepAll(SHELL_CACHE, SHELL);
    const names = await caches.keys();
    if (names.some((name) => name.startsWith("gw-check-"))) await keepAll(CHECK_CACHE, CHECK);
    await self.skipWaiting();
  };
  happening.waitUntil(keep());
});

self.addEventListener("activate", (happening) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      const isOurs = name.startsWith("gw-shell-") || name.startsWith("gw-check-");
      if (isOurs && name !== SHELL_CACHE && name !== CHECK_CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  happening.waitUntil(tidy());
});

// A page as it was seen says so itself: its body carries when that was.
const remembered = async (response) => {
  const headers = new Headers(response.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const text = await response.text();
  return new Response(text.replace("<body ", `<body data-kept="${Date.now()}" `), { status: 200, headers });
};

const forgetOthers = async (mine) => {
  for (const name of await caches.keys()) {
    if (name.startsWith(SEEN) && name !== mine) await caches.delete(name);
  }
};

// Keeps a page for the session that it was made for, and forgets those of every other one.
const remember = async (address, response) => {
  const mark = response.headers.get("X-Session-Mark");
  if (!response.ok || mark === null) return;
  const name = `${SEEN}${mark}`;
  await forgetOthers(mark ? name : "");
  if (!mark || response.redirected || !OWN.test(new URL(address).pathname)) return;
  const cache = await caches.open(name);
  await cache.put(address, await remembered(response));
  const all = await cache.keys();
  for (const old of all.slice(0, Math.max(all.length - MOST_SEEN, 0))) await cache.delete(old);
};

// The check page that is kept is of whoever is signed in, or of nobody.
const keepCheck = async (request, response) => {
  const { pathname, search } = new URL(request.url);
  if (pathname !== "/check" || search || !response.ok || response.redirected) return;
  if (await caches.has(CHECK_CACHE)) await (await caches.open(CHECK_CACHE)).put("/check", response);
};

const fromNetwork = async (request, happening, patience) => {
  const response = await fetch(request, { signal: AbortSignal.timeout(patience) });
  happening.waitUntil(remember(request.url, response.clone()).catch(() => {}));
  happening.waitUntil(keepCheck(request, response.clone()).catch(() => {}));
  return response;
};

const asSeen = async (address) => {
  for (const name of await caches.keys()) {
    if (!name.startsWith(SEEN)) continue;
    const cache = await caches.open(name);
    const kept = (await cache.match(address)) ?? (await cache.match(address, { ignoreSearch: true }));
    if (kept) return kept;
  }
  return null;
};

// The page as it is now; without a network as it was last seen, else what was installed.
const page = async (request, happening) => {
  const path = new URL(request.url).pathname;
  const check = path === "/check" ? await caches.match("/check") : null;
  const kept = check ?? (await asSeen(request.url));
  try {
    return await fromNetwork(request, happening, kept ? PATIENCE_MS : LONGEST_MS);
  } catch (trouble) {
    const shown = kept ?? (await caches.match("/no-network"));
    if (shown) return shown;
    throw trouble;
  }
};

// An open page that asks for itself again is remembered too, now and then.
const lately = new Map();
const again = async (request, happening) => {
  const response = await fetch(request);
  if (Date.now() - (lately.get(request.url) ?? 0) > AGAIN_MS) {
    lately.set(request.url, Date.now());
    happening.waitUntil(remember(request.url, response.clone()).catch(() => {}));
  }
  return response;
};

// A page that was kept before an update names its files as they were called then.
const ofNow = (address) => {
  const now = new URL(address);
  now.pathname = now.pathname.replace(/^\/static\/@[^/]+\//, `/static/@${VERSION}/`);
  if (now.searchParams.has("v")) now.searchParams.set("v", VERSION);
  return now.href;
};

const asset = async (request) => {
  const kept = await caches.match(request);
  if (kept) return kept;
  try {
    return await fetch(request);
  } catch (trouble) {
    const now = await caches.match(ofNow(request.url));
    if (now) return now;
    throw trouble;
  }
};

self.addEventListener("fetch", (happening) => {
  const { request } = happening;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  // The check page keeps the lists itself and must know when they are not from the network.
  if (LIST_PATHS.includes(address.pathname)) return;
  const isAgain = request.headers.get("Accept") === "text/html" && !request.headers.has("X-Part");
  if (request.mode === "navigate") happening.respondWith(page(request, happening));
  else if (isAgain) happening.respondWith(again(request, happening));
  else if (address.pathname.startsWith("/static/")) happening.respondWith(asset(request));
});

const keepPages = async (addresses) => {
  for (const address of addresses) {
    const response = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    await remember(new URL(address, self.location.origin).href, response);
  }
};

// The browser says that there is a network again. What fails here it asks for once more, later.
const sendWaiting = async () => {
  await SENDING.sendAll();
  for (const one of await self.clients.matchAll()) one.postMessage({ sent: SENDING.SYNC_TAG });
};
self.addEventListener("sync", (happening) => {
  if (happening.tag === SENDING.SYNC_TAG) happening.waitUntil(sendWaiting());
});

// A message that the site sent though no page of it is open. A newer one of the same alarm takes
// the place of the one before and rings anew; a critical one stays until it is touched.
const told = (data) => {
  try {
    return data.json();
  } catch {
    return {};
  }
};
// Phones that come back to a network get all that was kept for them at once, and a browser fetches
// an icon before it shows: one after the other, or the older words could end on top. But not for
// long: on a bad link that icon may never come, and an alarm behind it must ring.
const ICON_MS = 5000;
let before = Promise.resolve();
self.addEventListener("push", (happening) => {
  const { title = "Nước xanh", text = "", path = "/alarms", tag = path, lang = "vi", critical = false } = told(happening.data);
  const words = { body: text, lang, tag, renotify: true, requireInteraction: critical, icon: "/static/icon-192.png", data: { path } };
  const show = () => self.registration.showNotification(title, words);
  const longEnough = new Promise((done) => setTimeout(done, ICON_MS));
  before = Promise.race([before, longEnough]).then(show, show);
  happening.waitUntil(before);
});
// A tap opens the page that shows and acknowledges that one alarm.
self.addEventListener("notificationclick", (happening) => {
  const { notification } = happening;
  notification.close();
  const address = new URL(notification.data?.path ?? "/alarms", self.location.origin);
  const open = address.origin === self.location.origin ? address.href : "/alarms";
  happening.waitUntil(self.clients.openWindow(open));
});

// The push service gave this browser another address, or took the old one away: the site is told,
// or it would learn from the next alarm alone, which nobody here would hear.
const renewed = async (given) => {
  const wanted = { userVisibleOnly: true, applicationServerKey: PUSH_KEY };
  const { endpoint, keys } = (given ?? (await self.registration.pushManager.subscribe(wanted))).toJSON();
  const body = new URLSearchParams({ endpoint, key: keys.p256dh, secret: keys.auth });
  const answer = await fetch("/calls/ways/push/renewed", { method: "POST", body, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`the site did not follow: ${answer.status}`);
};
self.addEventListener("pushsubscriptionchange", (happening) => {
  if (PUSH_KEY) happening.waitUntil(renewed(happening.newSubscription));
});

// Nobody's own check page, instead of that of who has just left.
const forgetCheck = async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("gw-check-")) await (await caches.open(name)).add(new Request("/check", { cache: "reload", credentials: "omit" }));
  }
};

// What open pages ask for: {keep: "check"}, {keep: [addresses]}, {forget: "seen"} or
// {forget: "check"}.
self.addEventListener("message", (happening) => {
  const { keep, forget } = happening.data ?? {};
  const act = async () => {
    if (forget === "seen") await forgetOthers("");
    else if (forget === "check") await forgetCheck();
    else if (keep === "check") {
      if (!(await (await caches.open(CHECK_CACHE)).match("/check"))) await keepAll(CHECK_CACHE, CHECK);
    } else if (Array.isArray(keep)) await keepPages(keep);
  };
  const told = act().then(() => "kept", (trouble) => String(trouble));
  happening.waitUntil(told.then((words) => happening.ports[0]?.postMessage(words)));
});
