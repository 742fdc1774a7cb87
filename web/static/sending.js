// What waits on this phone, and how it is sent: records of farms, of boats, signed inspections.
// Pages import this; the worker has the same text above its own (web/installing.py), so that
// what was kept leaves when the network comes back though every page is closed. It names no
// page and no words. The phone made the ids: what is sent twice is one.
export const SYNC_TAG = "gw-send";
const MOST = 50;
const DUTY = "/api/v1/inspections";

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// Opens the database of a name, at a version; ``upgrade(base, oldVersion)`` makes its stores.
// What is returned does something in one transaction; done when it is on the disk.
const keeper = (name, version, upgrade) => {
  const opened = () => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    return asked(request);
  };
  return async (store, mode, act) => {
    const base = await opened();
    try {
      const change = base.transaction(store, mode, { durability: "strict" });
      const done = new Promise((resolve, reject) => {
        change.oncomplete = resolve;
        change.onabort = () => reject(change.error);
      });
      const found = await asked(act(change.objectStore(store)));
      await done;
      return found;
    } finally {
      base.close();
    }
  };
};

export const inBook = keeper("gw-book", 1, (base) => {
  base.createObjectStore("records", { keyPath: "id" });
  base.createObjectStore("photos", { keyPath: "id" });
});

export const inLog = keeper("gw-logbook", 2, (base, before) => {
  if (before < 1) base.createObjectStore("records", { keyPath: "id" });
  base.createObjectStore("photos", { keyPath: "id" });
});

export const inDuty = keeper("gw-duty", 2, (base, before) => {
  if (before < 1) {
    base.createObjectStore("keys", { keyPath: "person" });
    base.createObjectStore("queue", { keyPath: "id" });
  }
  base.createObjectStore("photos", { keyPath: "digest" });
});

const allOf = (within, store) => within(store, "readonly", (kept) => kept.getAll());
const putIn = (within, store, one) => within(store, "readwrite", (kept) => kept.put(one));
const dropFrom = (within, store, id) => within(store, "readwrite", (kept) => kept.delete(id));

// What a person wrote on this phone, oldest first: nothing is ever sent under another account.
const ofPerson = async (within, store, person) => {
  const all = await allOf(within, store);
  return all.filter((one) => one.person === person).sort((one, other) => (one.kept_ms ?? 0) - (other.kept_ms ?? 0));
};

export const bookOf = (person) => ofPerson(inBook, "records", person);
export const logOf = (person) => ofPerson(inLog, "records", person);
export const dutyOf = (person) => ofPerson(inDuty, "queue", person);

// A page and the worker send one after the other, never both at once.
const alone = (name, act) => (navigator.locks ? navigator.locks.request(`gw-${name}`, act) : act());

const parts = (all) => Array.from({ length: Math.ceil(all.length / MOST) }, (_, at) => all.slice(at * MOST, (at + 1) * MOST));

// ``isTaken`` says of an answer whether it is one; any other is an error with its status.
const post = async (address, options, isTaken = ({ ok }) => ok) => {
  const answer = await fetch(address, { method: "POST", signal: AbortSignal.timeout(60_000), ...options });
  if (!isTaken(answer)) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
  return answer;
};

const postRecords = async (address, token, some) => {
  const answer = await post(address, {
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify({ records: some.map((one) => one.record) }),
  });
  return (await answer.json()).results;
};

// Photos on entries of either book

const photosOf = async (within, { id }) => (await allOf(within, "photos")).filter((one) => one.record === id);

const dropFromBook = (within) => async (one) => {
  for (const photo of await photosOf(within, one)) await dropFrom(within, "photos", photo.id);
  await dropFrom(within, "records", one.id);
};
export const dropRecord = dropFromBook(inBook);
export const dropEntry = dropFromBook(inLog);

// A photo is put on its entry as the page's own form does it; the same again changes nothing.
// One that is refused waits for a page, which can say why.
const sendPhotos = async (within, pages, one, token, refused) => {
  for (const photo of await photosOf(within, one)) {
    const form = new FormData();
    form.append("csrf", token);
    form.append("photo", new Blob([photo.bytes], { type: "image/jpeg" }), "photo.jpg");
    const isAnswer = ({ type, status }) => type === "opaqueredirect" || status === 413 || status === 422;
    const answer = await post(`${pages}/${one.id}/photos`, { body: form, redirect: "manual" }, isAnswer);
    if (answer.type !== "opaqueredirect") {
      const reason = await refused(answer);
      if (reason) await putIn(within, "records", { ...one, state: "refused", reason });
      return;
    }
    await dropFrom(within, "photos", photo.id);
  }
  await dropFromBook(within)(one);
};

// The two books

// Returns what sends what a person's book waits with: each entry to ``addressOf`` it, its photos to its page
// beneath ``pages``; ``refused(answer)`` returns why a photo was.
const sender = (name, within, pages, addressOf) => ({ person, token }, refused = async () => "") =>
  alone(name, async () => {
    const entries = () => ofPerson(within, "records", person);
    const waits = (await entries()).filter(({ state }) => state === "waiting");
    for (const address of new Set(waits.map(addressOf))) {
      for (const some of parts(waits.filter((one) => addressOf(one) === address))) {
        const results = await postRecords(address, token, some);
        for (const [at, one] of some.entries()) {
          const { status, reason = "", field, href = "" } = results[at];
          const state = status === "same" ? "stored" : status;
          await putIn(within, "records", { ...one, state, reason, field: field ?? "", href });
        }
      }
    }
    for (const one of await entries()) if (one.state === "stored") await sendPhotos(within, pages, one, token, refused);
  });

export const sendBook = sender("book", inBook, "/records", () => "/api/v1/records");
export const sendLog = sender("log", inLog, "/vessel-records", ({ vessel }) => `/api/v1/vessels/${encodeURIComponent(vessel)}/records`);

// What an inspector signed

// Sends the photos that the platform lacks still; returns why one was refused for good.
const sendSignedPhotos = async (id, missing) => {
  for (const digest of missing) {
    const kept = await inDuty("photos", "readonly", (store) => store.get(digest));
    if (!kept) continue;
    const isAnswer = ({ ok, status }) => ok || status === 413 || status === 422;
    const answer = await post(`${DUTY}/${id}/photos/${digest}`, { headers: { "Content-Type": "image/jpeg" }, body: kept.bytes }, isAnswer);
    if (!answer.ok) return (await answer.json()).detail;
  }
  return "";
};

export const dropSigned = async ({ id, photos = [] }) => {
  await dropFrom(inDuty, "queue", id);
  const others = await allOf(inDuty, "queue");
  for (const digest of photos) {
    if (!others.some((one) => one.photos?.includes(digest))) await dropFrom(inDuty, "photos", digest);
  }
};

// What is refused stays here with the reason, so that nothing an inspector found is lost unseen.
export const sendDuty = ({ person }) =>
  alone("duty", async () => {
    for (const some of parts(await dutyOf(person))) {
      const answer = await post(DUTY, {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ statements: some.map((one) => one.statement) }),
      });
      const { results } = await answer.json();
      for (const [at, one] of some.entries()) {
        const { state, reason, missing } = results[at];
        const trouble = state === "refused" ? reason : await sendSignedPhotos(one.id, missing);
        if (trouble) await putIn(inDuty, "queue", { ...one, reason: trouble });
        else await dropSigned(one);
      }
    }
  });

// Everything that waits, for whoever is signed in on this browser; an error: try again later.
export const sendAll = async () => {
  const [book, log, duty] = await Promise.all([allOf(inBook, "records"), allOf(inLog, "records"), allOf(inDuty, "queue")]);
  const waits = [...book, ...log].some(({ state }) => state === "waiting" || state === "stored") || duty.some(({ reason }) => !reason);
  if (!waits) return;
  const answer = await fetch("/api/v1/session", { cache: "no-store", signal: AbortSignal.timeout(20_000) });
  if (answer.status === 401) return; // the next page that is opened says so
  if (!answer.ok) throw new Error(String(answer.status));
  const { person, csrf: token } = await answer.json();
  const sent = [];
  if (book.length) sent.push(sendBook({ person, token }));
  if (log.length) sent.push(sendLog({ person, token }));
  if (duty.length) sent.push(sendDuty({ person, token }));
  const failed = (await Promise.allSettled(sent)).find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
};
