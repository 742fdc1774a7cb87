// What the farm's book and a boat's logbook do alike about what is entered on this phone: an
// id, the list of what waits, taking out or up again, sending, and the pages kept beforehand.
import { guardDoor, onSent, once, sendLater, stayHere } from "./keep.js";

const AGAIN_MS = 30_000;
const PATIENCE_MS = 6000;
const HOUR_MS = 3_600_000;
export const OFFSET = "+07:00"; // the books' times are Vietnam's
export const signOutToken = document.querySelector('form[action="/sign-out"] input[name=csrf]')?.value ?? "";

export const filled = (text, facts) =>
  Object.entries(facts).reduce((made, [name, fact]) => made.replaceAll(`{${name}}`, fact), text);

export const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

// What time it is to the platform (``page`` says when it was made, and how fast time goes
// there), whatever this phone's own clock says.
const loaded = performance.now();
export const platformNow = (page) => {
  const kept = Number(document.body.dataset.kept);
  const passed = kept ? Date.now() - kept : performance.now() - loaded;
  return Number(page.dataset.now) + Math.max(passed, 0) * Number(page.dataset.rate);
};

export const localTime = (ms) => new Date(ms + 7 * HOUR_MS).toISOString().slice(0, 16);

export const element = (name, text = "", facts = {}) => Object.assign(document.createElement(name), { textContent: text, ...facts });

export const button = (text, act) => {
  const found = element("button", text, { type: "button", className: "button" });
  found.addEventListener("click", act);
  return found;
};

// Asked twice before ``act`` drops what was written.
const dropButton = (text, sureText, act) => {
  const first = button(text, () => {
    const sure = button(sureText, act);
    sure.classList.add("danger");
    first.replaceWith(sure);
    sure.focus();
  });
  return first;
};

// The form (of these) has an entry's words again, and will send it under its own id.
export const takeUp = (forms, { id, record }, typed) => {
  const form = document.querySelector(`${forms} input[name=kind][value="${record.kind}"]`)?.form;
  if (!form) return;
  for (const [name, value] of Object.entries(typed)) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = value;
  }
  form.dataset.again = id;
  form.closest("details").open = true;
  form.scrollIntoView({ block: "center" });
};

export const typedIn = (form) =>
  Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));

// A form goes to ``enter`` instead of the network, once at a time.
export const onEnter = (form, enter) =>
  form.addEventListener("submit", async (happened) => {
    happened.preventDefault();
    const press = form.querySelector("button.main");
    press.disabled = true;
    await enter(form).finally(() => { press.disabled = false; });
  });

// Send an entry now, and return what is left of it. Sending may have begun before it was kept:
// then it is not in what was sent. A network that hangs keeps nobody waiting: it goes on behind.
export const sendEntry = async (id, send, mine) => {
  const found = async () => (await mine()).find((one) => one.id === id);
  const sendNow = async () => {
    await send();
    if ((await found())?.state === "waiting") await send();
  };
  await Promise.race([sendNow(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  return found();
};

// What a page says that answered with a refusal.
const refusalIn = async (answer) => {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main [role=alert]")?.textContent ?? String(answer.status);
};

// A person's book on this phone. What is entered is kept here first, under an id that the phone makes, and is
// sent once there is a network; what the platform does not take stays, with the reason. ``line`` says that
// something waits, the list beside it what, each as ``shown``; ``told`` hears of it too.
export const bookHere = ({ person, within, entries, sendOut, drop, line, say, shown, told = () => {} }) => {
  let trouble = "";
  const mine = () => entries(person);
  const tell = (all) => {
    line.hidden = !all.length;
    line.dataset.count = String(all.length);
    line.firstElementChild.textContent = [say("unsent", { count: all.length }), trouble].filter(Boolean).join(" – ");
    const list = document.getElementById(`${line.id}-list`);
    if (list) {
      list.hidden = !all.length;
      list.querySelector("ul").replaceChildren(...all.map(shown));
    }
    told(all);
  };
  const photoRefused = async (answer) => say("photo_refused", { reason: await refusalIn(answer) });
  const send = once(async () => {
    try {
      await sendOut({ person, token: signOutToken }, photoRefused);
      trouble = "";
    } catch ({ status }) {
      // No network, or nobody signed in: it is tried again.
      trouble = status === 401 || status === 403 ? say("sign_in") : "";
    }
    const left = await mine();
    tell(left);
    return { left: left.length };
  });
  // Photos first: an entry is whole once it is there.
  const keep = async (entry, photos = []) => {
    stayHere();
    const { id } = entry.record;
    for (const bytes of photos) await within("photos", "readwrite", (store) => store.put({ id: newId(), record: id, bytes }));
    const one = { ...entry, id, person, photos: photos.length, state: "waiting", reason: "", field: "", href: "", kept_ms: Date.now() };
    await within("records", "readwrite", (store) => store.put(one));
    sendLater();
    tell(await mine());
  };
  const dropIt = async (one) => { await drop(one); tell(await mine()); };
  const dropOne = (one) => dropButton(say("drop"), say("drop_sure"), () => dropIt(one));
  return { mine, tell, send, keep, dropIt, dropOne };
};

const forget = async () => {
  for (const name of await caches.keys()) if (name.startsWith("gw-seen-")) await caches.delete(name);
};

// Send what waits whenever there may be a network, and keep the door shut meanwhile.
export const minded = ({ send, mine, tell, words, waits = ({ state }) => state === "waiting" }) => {
  guardDoor({ send, words, forget: "caches" in self ? forget : undefined });
  addEventListener("online", send);
  onSent(async () => tell(await mine()));
  setInterval(async () => { if ((await mine()).some(waits)) send(); }, AGAIN_MS);
  send();
};

// A page that the phone kept is loaded anew once there is a network.
export const renewed = (send) =>
  addEventListener("online", async () => {
    await send();
    location.reload();
  });

// The worker keeps the pages that were seen; ``pages`` (asked once the page is there) names
// those that it keeps before they are, and ``done`` is told how that went.
export const keepPages = (pages, done) => {
  const keep = async () => {
    if (!("serviceWorker" in navigator)) return;
    await navigator.serviceWorker.register("/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    const wanted = pages();
    if (Number(document.body.dataset.kept) || !wanted.length) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data);
    active.postMessage({ keep: wanted }, [port2]);
  };
  const begin = () => keep().catch(() => {});
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
};
