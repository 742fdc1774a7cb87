// An inspector's phone: its key, what it signed and has not sent yet, photos too, and
// sending it once.
// The key is made here and cannot leave the phone where the browser knows Ed25519; elsewhere
// its bytes are kept in this site's storage. Every page of an inspector's loads this.
import { getPublicKeyAsync, signAsync, utils } from "./vendor/noble/ed25519.js";
import { guardDoor, keeper, once, stayHere } from "./keep.js";
import { forgetVessels } from "./vessels.js";

const STORE = "gw-duty";
const DOMAIN = "greenwater-inspection-1\n";
const SEND = "/api/v1/inspections";
const MOST = 50;
const utf8 = new TextEncoder();

const within = keeper(STORE, 2, (base, before) => {
  if (before < 1) {
    base.createObjectStore("keys", { keyPath: "person" });
    base.createObjectStore("queue", { keyPath: "id" });
  }
  base.createObjectStore("photos", { keyPath: "digest" });
});

const toText = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

// A key's id: five bytes of its SHA-256, in base 32 (traceability/proof/keys.py).
const idOf = async (raw) => {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).slice(0, 5);
  const bits = [...digest].map((one) => one.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{5}/g).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five, 2)]).join("");
};

const makeKey = async () => {
  try {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return { raw: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), secret: pair.privateKey };
  } catch {
    const secret = utils.randomSecretKey();
    return { raw: await getPublicKeyAsync(secret), secret };
  }
};

const sign = async (secret, message) =>
  secret instanceof Uint8Array
    ? signAsync(message, secret)
    : new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, secret, message));

export const keyOf = (person) => within("keys", "readonly", (store) => store.get(person));
export const anyKey = async () => (await within("keys", "readonly", (store) => store.getAll())).at(-1);

// The key of a person on this phone, made at the first call.
export const ownKey = async (person) => {
  const known = await keyOf(person);
  if (known) return known;
  const { raw, secret } = await makeKey();
  const key = { person, id: await idOf(raw), public: toText(raw), secret };
  await within("keys", "readwrite", (store) => store.put(key));
  return key;
};

export const waiting = () => within("queue", "readonly", (store) => store.getAll());

const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");

// Keeps photos (bytes of a JPEG); returns the digests that a statement names them by.
const keepPhotos = async (photos) => {
  const digests = [];
  for (const bytes of photos) {
    const digest = hex(await crypto.subtle.digest("SHA-256", bytes));
    await within("photos", "readwrite", (store) => store.put({ digest, bytes }));
    if (!digests.includes(digest)) digests.push(digest);
  }
  return digests;
};

// Signs what was found and keeps it until the platform has it; returns its id.
export const inspect = async (key, found, photos = []) => {
  stayHere();
  const digests = await keepPhotos(photos);
  const named = digests.length ? { photos: digests } : {};
  const statement = { id: crypto.randomUUID(), at_ms: Date.now(), ...found, ...named };
  const signed = JSON.stringify(statement) + key.id;
  const signature = await sign(key.secret, utf8.encode(DOMAIN + signed));
  const kept = { id: statement.id, person: key.person, photos: digests, statement: `${signed}.${toText(signature)}` };
  await within("queue", "readwrite", (store) => store.put(kept));
  return statement.id;
};

// Sends the photos that the platform lacks still; returns why one was refused for good.
const sendPhotos = async (id, missing) => {
  for (const digest of missing) {
    const kept = await within("photos", "readonly", (store) => store.get(digest));
    if (!kept) continue;
    const answer = await fetch(`${SEND}/${id}/photos/${digest}`, {
      method: "POST",
      headers: { "Content-Type": "image/jpeg" },
      body: kept.bytes,
      signal: AbortSignal.timeout(60_000),
    });
    if (answer.status === 413 || answer.status === 422) return (await answer.json()).detail;
    if (!answer.ok) throw new Error(String(answer.status));
  }
  return "";
};

const forget = async ({ id, photos = [] }) => {
  await within("queue", "readwrite", (store) => store.delete(id));
  for (const digest of photos) await within("photos", "readwrite", (store) => store.delete(digest));
};

const sendSome = async (some) => {
  const answer = await fetch(SEND, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ statements: some.map((one) => one.statement) }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const { results } = await answer.json();
  const refused = [];
  for (const [at, one] of some.entries()) {
    const { state, reason, missing } = results[at];
    // What is refused stays here, so that nothing an inspector found is lost unseen.
    const trouble = state === "refused" ? reason : await sendPhotos(one.id, missing);
    if (trouble) refused.push(trouble);
    else await forget(one);
  }
  return refused;
};

// Sends what waits, oldest first; returns {left, refused}. Two calls at once are one.
export const send = once(async () => {
  let refused = [];
  try {
    const all = await waiting();
    for (let at = 0; at < all.length; at += MOST) refused = [...refused, ...(await sendSome(all.slice(at, at + MOST)))];
  } catch {
    // No network, or nobody signed in: it is tried again.
  }
  return { left: (await waiting()).length, refused };
});

// The page /inspections: offers this phone's key, or says that it is believed already.
const showPhone = async (card) => {
  const form = card.querySelector("[data-part=enrol]");
  const state = card.querySelector("[data-part=phone-state]");
  const key = await ownKey(card.dataset.person);
  form.elements.public.value = key.public;
  const isKnown = (card.dataset.keys ?? "").split(" ").includes(key.id);
  form.hidden = isKnown;
  state.textContent = (isKnown ? card.dataset.ready : card.dataset.new).replaceAll("{key}", key.id);
  card.dataset.phone = isKnown ? "enrolled" : "new";
};

guardDoor({ send, words: document.body.dataset.stay ?? "", forget: forgetVessels });
const phone = document.getElementById("phone");
if (phone) showPhone(phone);
addEventListener("online", send);
send();
