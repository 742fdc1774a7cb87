// The check page: reads a label by camera, photo or typing, and says what it is worth.
// Signature and lists are checked here, so it works with no network; where there is one,
// the platform is asked as well, and its word is the newer one.
import { checkCard, isLikeACard } from "./card.js";
import { checkLabel, readStatus } from "./verify.js";
import { anyKey, inspect, send, waiting } from "./duty.js";
import { asJpeg, asPixels } from "./pictures.js";
import { vesselCheck } from "./vesselcheck.js";
import { freshen, isLikeANumber, keptVessel } from "./vessels.js";

const LISTS = "gw-lists";
const KEYS = "/api/v1/labels/keys.json";
const STATUS = "/api/v1/labels/status.json";
const ASK = "/api/v1/labels/check";
const FRAME_MS = 120;
const WIDEST = 1000;
const MOST_PHOTOS = 4;
const OLD_MS = 24 * 3600 * 1000;

const page = document.getElementById("check");
const words = JSON.parse(document.getElementById("check-words").textContent);
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const zone = { timeZone: "Asia/Ho_Chi_Minh" };

const isOnDuty = page.dataset.duty === "yes";
let film = null;
let shown = 0;
let current = null;

const say = (key, facts = {}) =>
  Object.entries(facts).reduce((text, [name, fact]) => text.replaceAll(`{${name}}`, fact), words[key] ?? key);

const day = (ms) => new Date(ms).toLocaleDateString(words.locale, { ...zone, day: "2-digit", month: "2-digit", year: "numeric" });
const clock = (ms) => new Date(ms).toLocaleTimeString(words.locale, { ...zone, hour: "2-digit", minute: "2-digit", hour12: false });
const moment = (ms) =>
  day(ms) === day(Date.now()) ? say("today", { time: clock(ms) }) : say("on_day", { time: clock(ms), day: day(ms) });

// What the platform last published: from the network, else as it was kept.
const list = async (address) => {
  const kept = "caches" in self ? await caches.open(LISTS) : null;
  try {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    const headers = { "Content-Type": "application/json", "X-Kept": String(Date.now()) };
    if (kept) await kept.put(address, new Response(text, { headers }));
    return { document: JSON.parse(text), fetched: Date.now(), isFresh: true };
  } catch {
    const answer = kept ? await kept.match(address) : undefined;
    if (!answer) return { document: null, fetched: 0, isFresh: false };
    return { document: await answer.json(), fetched: Number(answer.headers.get("X-Kept") ?? 0), isFresh: false };
  }
};

// Whether the list on this phone is too old to speak of what was recalled since.
let isOld = false;

const lists = async () => {
  const [keys, status] = await Promise.all([list(KEYS), list(STATUS)]);
  const read = await readStatus(status.document, keys.document);
  status.at = read ? read.at_ms : 0;
  const line = part("lists");
  if (!keys.document || !status.at) {
    line.textContent = say("no_lists");
  } else {
    const when = moment(status.at);
    isOld = Date.now() - status.fetched > OLD_MS;
    line.textContent = say(status.isFresh ? "lists_fresh" : isOld ? "lists_old" : "lists_kept", { when });
  }
  line.dataset.state = status.isFresh ? "fresh" : "kept";
  return { keys, status };
};

// What a verdict without a network rests on.
const byList = (when) =>
  when ? say(isOld ? "checked_old" : "checked_offline", { when: moment(when) }) : say("checked_without_list");

const online = async (text) => {
  try {
    const answer = await fetch(`${ASK}?${new URLSearchParams({ text })}`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
};

const fact = (name, text) => {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = name;
  value.textContent = text;
  return [term, value];
};

const weight = (facts) => {
  const ai = Object.keys(facts).find((one) => one.startsWith("310"));
  if (!ai) return "";
  const kg = Number(facts[ai]) / 10 ** Number(ai[3]);
  return `${kg.toLocaleString(words.locale, { maximumFractionDigits: 3 })} kg`;
};
const dayOf = (text) => (text ? `${text.slice(4, 6)}/${text.slice(2, 4)}/20${text.slice(0, 2)}` : "");
const days = (text) => (text ? [text.slice(0, 6), text.slice(6)].filter(Boolean).map(dayOf).join(" – ") : "");
const species = (code) => (code ? `${words.species_names[code] ?? ""} (${code})`.trim() : "");

// What the box must show, as the signed label says it.
const goods = ({ facts = {} }) =>
  [
    ["species", species(facts["7008"])],
    ["net_weight", weight(facts)],
    ["harvested", days(facts["7007"])],
    ["method", words.methods[facts["7010"]] ?? facts["7010"]],
    ["area", facts["7005"]],
    ["gear", facts["7009"]],
    ["use_by", dayOf(facts["17"])],
  ].flatMap(([name, text]) => (text ? fact(say(name), text) : []));

const show = (verdict, { isOnline, when }) => {
  const box = part("verdict");
  const look = words.looks[verdict.code] ?? "bad";
  box.hidden = false;
  box.className = `verdict ${look}`;
  box.dataset.code = verdict.code;
  box.dataset.online = String(isOnline);
  part("mark").textContent = words.marks[look];
  part("title").textContent = say(`verdict_${verdict.code}`);
  const why = verdict.is_key_withdrawn ? "key_withdrawn" : verdict.code;
  part("why").textContent = say(`verdict_${why}_why`, { reason: verdict.reason ?? "", phone: verdict.phone ?? "" });
  part("checked").textContent = isOnline
    ? say("checked_online", { when: moment(when) })
    : byList(when);
  const facts = part("facts");
  facts.replaceChildren(
    ...(verdict.gtin ? fact(say("gtin"), verdict.gtin) : []),
    ...(verdict.lot ? fact(say("lot"), verdict.lot) : []),
    ...(verdict.serial ? fact(say("serial"), verdict.serial) : []),
    ...(verdict.code === "altered" ? [] : goods(verdict)),
  );
  current = { verdict, when };
  offerInspection(verdict);
  const more = part("more");
  more.hidden = !verdict.passport;
  more.textContent = say("see_passport");
  if (verdict.passport) more.href = verdict.passport;
  box.focus();
};

const isoDay = (text) => text.split("-").reverse().join("/");

// What a trip card says; papers are held against today's date in Vietnam.
const onCard = (card) => {
  const today = new Date(Date.now() + 7 * 3600_000).toISOString().slice(0, 10);
  const caught = card.caught.map(([code, kg]) => `${words.species_names[code] ?? code} ${kg.toLocaleString(words.locale)} kg`);
  const papers = card.papers.map(([letter, until]) =>
    say(!until ? "card_forever" : until < today ? "card_ended" : "card_until", {
      name: words.papers[letter] ?? letter,
      day: isoDay(until),
    }),
  );
  return [
    ["card_vessel", card.vessel],
    ["card_trip", `${isoDay(card.from)} – ${card.to ? isoDay(card.to) : say("card_at_sea")}`],
    ["card_catch", caught.join(", ") || say("card_none")],
    ["card_papers", papers.join("; ") || say("card_none")],
    ["card_made", moment(card.made_ms)],
  ].flatMap(([name, text]) => fact(say(name), text));
};

const showCard = ({ code, card }, when) => {
  const box = part("verdict");
  const look = { valid: "good", expired: "doubt" }[code] ?? "bad";
  box.hidden = false;
  box.className = `verdict ${look}`;
  box.dataset.code = code;
  box.dataset.online = "false";
  part("mark").textContent = words.marks[look];
  part("title").textContent = say(`verdict_card_${code}`);
  part("why").textContent = say(`verdict_card_${code}_why`);
  part("checked").textContent = byList(when);
  part("facts").replaceChildren(...(card && code !== "altered" ? onCard(card) : []));
  part("more").hidden = true;
  for (const form of ["inspect", "inspect-vessel", "enrol"]) part(form).hidden = true;
  box.focus();
};

const vessels = vesselCheck({ part, words, say, fact, moment });

// A vessel as the list on this phone has it; an enrolled phone signs what its inspector found.
const showVessel = async (known, text) => {
  const turn = shown;
  const isOne = vessels.show(known, text);
  const key = isOne ? await anyKey() : undefined;
  if (turn !== shown) return;
  part("inspect-vessel").hidden = !key;
  part("enrol").hidden = !isOne || Boolean(key);
};

// How many inspections wait on this phone; what the platform refused of them.
const showWaiting = async ({ refused = [] } = {}) => {
  const count = (await waiting()).length;
  const note = part("waiting");
  note.hidden = !count && !refused.length;
  note.dataset.count = String(count);
  const words_ = [count ? say("waiting", { count }) : "", ...refused.map((reason) => say("refused", { reason }))];
  note.textContent = words_.filter(Boolean).join(" ");
};

// An enrolled phone signs what its inspector found, about a lot that the label names.
const offerInspection = async (verdict) => {
  const form = part("inspect");
  part("inspect-vessel").hidden = true;
  const isNamed = verdict.gtin && verdict.lot && !["altered", "unknown_key", "not_a_label"].includes(verdict.code);
  const key = isNamed ? await anyKey() : undefined;
  if (current?.verdict !== verdict) return;
  form.hidden = !key;
  part("enrol").hidden = !(isOnDuty && isNamed) || Boolean(key);
  part("signed").textContent = "";
};

const lotFound = (form, result) => {
  const { verdict, when } = current;
  return {
    gtin: verdict.gtin, lot: verdict.lot, serial: verdict.serial ?? "", result,
    verdict: verdict.code, list_ms: when || null, note: form.elements.note.value.trim(),
  };
};

// ``found(form, result)`` is what is signed, null where it cannot be; ``note`` says what became of it.
const signInspection = async (form, result, found, note) => {
  const statement = found(form, result);
  if (!statement) {
    note.textContent = say("kg_bad");
    return;
  }
  const files = [...form.elements.photos.files];
  if (files.length > MOST_PHOTOS) {
    note.textContent = say("photos_many");
    return;
  }
  let photos = [];
  try {
    photos = await Promise.all(files.map(asJpeg));
  } catch {
    note.textContent = say("photo_bad");
    return;
  }
  await inspect(await anyKey(), statement, photos);
  form.reset();
  note.textContent = say("signed");
  await showWaiting();
  const { left, refused } = await send();
  await showWaiting({ refused });
  if (!left) note.textContent = say("signed_sent");
};

const press = (name, found, note) =>
  part(name).addEventListener("submit", async (happened) => {
    happened.preventDefault();
    const { target, submitter } = happened;
    const buttons = [...target.querySelectorAll("button")];
    for (const one of buttons) one.disabled = true;
    await signInspection(target, submitter.value, found, part(note)).finally(() => {
      for (const one of buttons) one.disabled = false;
    });
  });

const pageOf = ({ gtin, lot, serial }, text) =>
  `/01/${gtin}/10/${encodeURIComponent(lot)}${serial ? `/21/${serial}` : ""}${new URL(text.trim()).search}`;

const check = async (text) => {
  const turn = ++shown;
  // What was typed and photographed of one label is not of the next one.
  if (part("read").textContent !== text) part("inspect").reset();
  part("read").textContent = text;
  part("was-read").hidden = false;
  if (isOnDuty && isLikeANumber(text)) {
    // What is kept at once, what is new when it has come: a weak network is not waited for.
    const kept = await keptVessel(text);
    if (kept && turn === shown) await showVessel(kept, text);
    const isFresh = await freshen();
    if (turn !== shown || (kept && !isFresh)) return;
    const known = await keptVessel(text);
    await showVessel(known && { ...known, isFresh }, text);
    return;
  }
  const known = await lists();
  if (isLikeACard(text)) {
    const called = await readStatus(known.status.document, known.keys.document);
    const verdict = await checkCard(text, known.keys.document, Date.now(), called);
    if (turn === shown) showCard(verdict, known.status.at);
    return;
  }
  const verdict = await checkLabel(text, known.keys.document, known.status.document, Date.now());
  if (turn !== shown) return;
  const isNamed = verdict.gtin && verdict.lot;
  const passport = isNamed && verdict.code !== "altered" ? pageOf(verdict, text) : "";
  show({ ...verdict, passport }, { isOnline: false, when: known.status.at });
  const told = await online(text);
  if (told && turn === shown) show({ passport, ...told }, { isOnline: true, when: told.at_ms });
};

const read = async (picture) => {
  const found = await ZXingWASM.readBarcodes(picture, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
  return found.length && found[0].isValid !== false ? found[0].text : null;
};

const stopFilm = () => {
  if (!film) return;
  for (const track of film.getTracks()) track.stop();
  film = null;
  part("view").hidden = true;
  part("camera").textContent = say("camera");
};

const watch = async (video, canvas) => {
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  while (film) {
    if (video.videoWidth) {
      const scale = Math.min(1, WIDEST / video.videoWidth);
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      brush.drawImage(video, 0, 0, canvas.width, canvas.height);
      const text = await read(brush.getImageData(0, 0, canvas.width, canvas.height));
      if (text !== null && film) {
        stopFilm();
        if ("vibrate" in navigator) navigator.vibrate(60);
        await check(text);
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
  }
};

const startFilm = async () => {
  const note = part("trouble");
  note.hidden = true;
  try {
    film = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
  } catch {
    note.textContent = say("no_camera");
    note.hidden = false;
    return;
  }
  const video = part("video");
  part("view").hidden = false;
  part("camera").textContent = say("stop_camera");
  video.srcObject = film;
  await video.play();
  await watch(video, document.createElement("canvas"));
};

const fromPhoto = async (file) => {
  const note = part("trouble");
  note.hidden = true;
  let text = null;
  try {
    text = await read(await asPixels(file));
  } catch {
    text = null;
  }
  if (text === null) {
    note.textContent = say("no_code");
    note.hidden = false;
    return;
  }
  await check(text);
};

const begin = () => {
  ZXingWASM.prepareZXingModule({
    overrides: { locateFile: (name) => (name.endsWith(".wasm") ? page.dataset.wasm : name) },
    fireImmediately: true,
  });
  part("camera").addEventListener("click", () => (film ? stopFilm() : startFilm()));
  part("photo").addEventListener("change", (happened) => {
    const [file] = happened.target.files;
    happened.target.value = "";
    if (file) fromPhoto(file);
  });
  part("typed").addEventListener("submit", (happened) => {
    happened.preventDefault();
    const text = new FormData(happened.target).get("text").trim();
    if (text) check(text);
  });
  press("inspect", lotFound, "signed");
  press("inspect-vessel", vessels.found, "vsigned");
  addEventListener("online", async () => showWaiting(await send()));
  send().then(showWaiting);
  if (isOnDuty) freshen();
  addEventListener("online", lists);
  addEventListener("offline", lists);
  document.addEventListener("visibilitychange", () => document.hidden && stopFilm());
  if ("serviceWorker" in navigator) {
    // What this page needs is kept when it is first opened: a farmer's phone need not load it.
    const kept = async () => {
      await navigator.serviceWorker.register("/sw.js");
      const { active } = await navigator.serviceWorker.ready;
      const { port1, port2 } = new MessageChannel();
      const answered = new Promise((resolve, reject) => {
        port1.onmessage = ({ data }) => (data === "kept" ? resolve() : reject(new Error(data)));
      });
      active.postMessage({ keep: "check" }, [port2]);
      await answered;
      // An inspector's own pages are kept before they are needed: what he has not sent, what stands out.
      if (isOnDuty) active.postMessage({ keep: ["/inspections", "/inspections/today"] });
      page.dataset.installed = "true";
      part("installed").hidden = false;
    };
    kept().catch(() => {});
  }
  for (const button of page.querySelectorAll("[disabled]")) button.disabled = false;
  const asked = page.dataset.text || new URLSearchParams(location.search).get("text");
  if (asked) check(asked);
  else lists();
  page.dataset.ready = "true";
};

begin();
