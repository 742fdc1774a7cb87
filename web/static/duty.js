// An inspector's phone: its key, what it signed and has not sent yet, photos too, and
// sending it once.
// The key is made here and cannot leave the phone where the browser knows Ed25519; elsewhere
// its bytes are kept in this site's storage. Every page of an inspector's loads this.
import { getPublicKeyAsync, signAsync, utils } from "./vendor/noble/ed25519.js";
import { guardDoor, once, onSent, sendLater, stayHere } from "./keep.js";
import { dropSigned, dutyOf, inDuty as within, sendAll, sendDuty } from "./sending.js";
import { forgetVessels } from "./vessels.js";

const DOMAIN = "greenwater-inspection-1\n";
const AGAIN_MS = 30_000;
const utf8 = new TextEncoder();
const { body } = document;
// Who inspects, as the page says: one phone may have several inspectors, one after the other.
const me = body.dataset.inspector ?? "";

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

const keyOf = (person) => within("keys", "readonly", (store) => store.get(person));
// This inspector's own key, once it is enrolled; on a page that is nobody's (kept before he
// signed in) the only one there is.
export const anyKey = async () => {
  const all = me ? [await keyOf(me)] : await within("keys", "readonly", (store) => store.getAll());
  return all.length === 1 && all[0]?.enrolled !== false ? all[0] : undefined;
};

// The key of a person on this phone, made at the first call.
const ownKey = async (person) => {
  const known = await keyOf(person);
  if (known) return known;
  const { raw, secret } = await makeKey();
  const key = { person, id: await idOf(raw), public: toText(raw), secret, enrolled: false };
  await within("keys", "readwrite", (store) => store.put(key));
  return key;
};

// What this inspector signed and the platform has not taken.
export const waiting = async () => {
  const person = me || (await anyKey())?.person;
  return person ? dutyOf(person) : [];
};

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
  const kept = { id: statement.id, person: key.person, photos: digests, statement: `${signed}.${toText(signature)}`, told: found, kept_ms: statement.at_ms };
  await within("queue", "readwrite", (store) => store.put(kept));
  sendLater();
  return statement.id;
};

// Sends what waits, oldest first; returns {left, refused}. Two calls at once are one.
export const send = once(async () => {
  try {
    if (me) await sendDuty({ person: me });
    else await sendAll();
  } catch {
    // No network, or nobody signed in: it is tried again.
  }
  const left = await waiting();
  await tell(left);
  return { left: left.length, refused: left.flatMap(({ reason }) => (reason ? [reason] : [])) };
});

// The page /inspections: what is unsent, why, and how to give it up (asked twice).

const button = (text, act) => {
  const found = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: text });
  found.addEventListener("click", act);
  return found;
};

const shown = (one, words) => {
  const item = document.createElement("li");
  item.dataset.unsent = one.id;
  const { vessel, lot = "", result = "" } = one.told ?? {};
  const when = new Date(one.kept_ms ?? 0).toLocaleString(words.locale, { timeZone: "Asia/Ho_Chi_Minh", dateStyle: "short", timeStyle: "short" });
  const state = one.reason ? words.refused.replaceAll("{reason}", one.reason) : words.waits;
  item.textContent = [when, vessel ?? lot, words[result] ?? "", state].filter(Boolean).join(" · ");
  if (!one.reason) return item;
  const first = button(words.drop, () => {
    const sure = button(words.sure, async () => { await dropSigned(one); await tell(await waiting()); });
    sure.classList.add("danger");
    first.replaceWith(sure);
    sure.focus();
  });
  item.append(" ", first);
  return item;
};

const tell = async (left) => {
  const list = document.getElementById("duty-unsent");
  if (!list) return;
  list.hidden = !left.length;
  list.querySelector("ul").replaceChildren(...left.map((one) => shown(one, list.dataset)));
};

// The page /inspections: offers this phone's key, or says that it is believed already.
const showPhone = async (card) => {
  const form = card.querySelector("[data-part=enrol]");
  const state = card.querySelector("[data-part=phone-state]");
  const { person } = card.dataset;
  const ids = (name) => (card.dataset[name] ?? "").split(" ");
  // A key that was ended signs nothing any more: this phone makes another.
  if (ids("ended").includes((await keyOf(person))?.id)) await within("keys", "readwrite", (store) => store.delete(person));
  const key = await ownKey(person);
  form.elements.public.value = key.public;
  const isKnown = ids("keys").includes(key.id);
  if (isKnown !== (key.enrolled !== false)) await within("keys", "readwrite", (store) => store.put({ ...key, enrolled: isKnown }));
  form.hidden = isKnown;
  state.textContent = (isKnown ? card.dataset.ready : card.dataset.new).replaceAll("{key}", key.id);
  card.dataset.phone = isKnown ? "enrolled" : "new";
};

// A page as it was last seen says so, as the farm's do (book.js).
const kept = Number(body.dataset.kept);
const sayKept = () => {
  const time = new Date(kept).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false });
  const note = document.getElementById("lost");
  note.textContent = body.dataset.seen.replaceAll("{time}", time).replaceAll("{age}", String(Math.round((Date.now() - kept) / 60_000)));
  note.hidden = false;
};
if (kept && body.dataset.seen) {
  sayKept();
  addEventListener("online", async () => {
    await send();
    location.reload();
  });
}

// The lists of vessels, and the check page with his name on it, are not for the next one.
const forget = async () => {
  await forgetVessels();
  navigator.serviceWorker?.controller?.postMessage({ forget: "check" });
};

guardDoor({ send, words: body.dataset.stay ?? "", forget });
const phone = document.getElementById("phone");
if (phone) showPhone(phone);
addEventListener("online", send);
onSent(async () => tell(await waiting()));
setInterval(async () => { if ((await waiting()).some(({ reason }) => !reason)) send(); }, AGAIN_MS);
send();
