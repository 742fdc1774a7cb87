// A boat's logbook on the family's phone. What is written is kept here first, under an id
// that the phone makes, and is sent once there is a network; what the platform does not take
// stays, with the reason. Every page of the boat's people loads this: nobody signs out while
// something waits.
import { typedNumber } from "./numbers.js";
import { guardDoor, once, onSent, sendLater, stayHere } from "./keep.js";
import { inLog as within, logOf, sendLog } from "./sending.js";
import { clearTrouble, tellTrouble } from "./trouble.js";

const AGAIN_MS = 30_000;
const PATIENCE_MS = 6000;
const OFFSET = "+07:00"; // the book's times are Vietnam's
const HOUR_MS = 3_600_000;
const { body } = document;
const me = body.dataset.sailor;
const words = JSON.parse(body.dataset.sea);
const page = document.getElementById("log");
const token = document.querySelector('form[action="/sign-out"] input[name=csrf]')?.value ?? "";

const say = (key, facts = {}) =>
  Object.entries(facts).reduce((text, [name, fact]) => text.replaceAll(`{${name}}`, fact), words[key] ?? key);

const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

// What time it is to the platform, whatever this phone's own clock says.
const loaded = performance.now();
const platformNow = () => {
  if (!page) return Date.now();
  const kept = Number(body.dataset.kept);
  const passed = kept ? Date.now() - kept : performance.now() - loaded;
  return Number(page.dataset.now) + Math.max(passed, 0) * Number(page.dataset.rate);
};

const mine = () => logOf(me);
const put = (one) => within("records", "readwrite", (store) => store.put(one));
const drop = ({ id }) => within("records", "readwrite", (store) => store.delete(id));

// Sending

let trouble = "";

export const send = once(async () => {
  try {
    await sendLog({ person: me, token });
    trouble = "";
  } catch ({ status }) {
    // No network, or nobody signed in: it is tried again.
    trouble = status === 401 || status === 403 ? say("sign_in") : "";
  }
  const left = await mine();
  tell(left);
  return { left: left.length };
});

// What is shown

const element = (name, text = "", facts = {}) => Object.assign(document.createElement(name), { textContent: text, ...facts });

const button = (text, act) => {
  const found = element("button", text, { type: "button", className: "button" });
  found.addEventListener("click", act);
  return found;
};

const dropButton = (one) => {
  const first = button(say("drop"), () => {
    const sure = button(say("drop_sure"), async () => { await drop(one); tell(await mine()); });
    sure.classList.add("danger");
    first.replaceWith(sure);
    sure.focus();
  });
  return first;
};

const edit = async (one) => {
  const form = document.querySelector(`form[data-sea] input[name=kind][value="${one.record.kind}"]`)?.form;
  if (!form) return;
  for (const [name, value] of Object.entries(one.typed)) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = value;
  }
  form.dataset.again = one.id;
  form.closest("details").open = true;
  form.scrollIntoView({ block: "center" });
};

const stateOf = ({ state, reason }) => (state === "waiting" ? say("waits") : say("refused", { reason }));

const shown = (one) => {
  const item = element("li", "", { className: "entry" });
  item.dataset.unsent = one.id;
  item.dataset.state = one.state;
  const when = localText(one.record.happened);
  item.append(
    element("b", one.name), element("p", one.text),
    element("p", [one.trip, when, stateOf(one)].filter(Boolean).join(" · "), { className: "note" }),
  );
  if (one.state !== "waiting") item.append(button(say("edit"), () => edit(one)), " ");
  item.append(dropButton(one));
  return item;
};

const tell = (all) => {
  const line = document.getElementById("sea-unsent");
  line.hidden = !all.length;
  line.dataset.count = String(all.length);
  line.firstElementChild.textContent = [say("unsent", { count: all.length }), trouble].filter(Boolean).join(" – ");
  if (all.length) line.firstElementChild.href = `/vessels/${encodeURIComponent(all[0].vessel)}/log#sea-unsent-list`;
  if (!page) return;
  const list = document.getElementById("sea-unsent-list");
  list.hidden = !all.length;
  list.querySelector("ul").replaceChildren(...all.map(shown));
  addTrips(all);
};

// A trip that is begun on this phone can be written to before the platform knows of it;
// the one after it has an id of its own.
const addTrips = (all) => {
  const begun = all.filter(({ record, vessel }) => record.kind === "trip" && vessel === page.dataset.vessel);
  for (const { record } of begun) {
    for (const select of page.querySelectorAll("select[name=trip]")) {
      const known = [...select.options].find(({ value, dataset }) => value === record.trip && !("new" in dataset));
      if (known) continue;
      const name = say("trip_of", { when: localText(record.happened).slice(6) });
      const option = element("option", name, { value: record.trip });
      const fresh = select.querySelector("option[data-new]");
      if (fresh.value === record.trip) fresh.value = freshTrip;
      select.prepend(option);
      if (select.form.elements.kind.value !== "trip") select.value = record.trip;
    }
    if (record.trip === page.dataset.tripNew) page.dataset.tripNew = freshTrip;
  }
};
const freshTrip = newId();

// Forms

// 2026-11-26T20:00:00+07:00 as 20:00 26/11/2026.
const localText = (text) => `${text.slice(11, 16)} ${text.slice(0, 10).split("-").reverse().join("/")}`;

const instantOf = (text) => Date.parse(`${text}${OFFSET}`);

const linesOf = (form) => {
  const lines = [];
  for (let number = 1; form.elements.namedItem(`f_species_${number}`); number += 1) {
    const [species, kg, discards] = ["species", "kg", "discards"].map(
      (name) => form.elements.namedItem(`f_${name}_${number}`)?.value.trim() ?? "",
    );
    if (!species && !kg && !discards) continue;
    const line = { species, kg: typedNumber(kg) };
    if (discards) line.discards_kg = typedNumber(discards);
    lines.push(line);
  }
  return lines;
};

const valueOf = (field) => {
  if (field.dataset.type === "instant") return instantOf(field.value);
  return field.dataset.type === "number" ? typedNumber(field.value) : field.value.trim();
};

const recordOf = (form, id) => {
  const typed = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  const fields = {};
  for (const [name, value] of Object.entries(typed)) {
    if (!name.startsWith("f_") || /^f_(species|kg|discards)_\d+$/.test(name) || !value.trim()) continue;
    fields[name.slice(2)] = valueOf(form.elements.namedItem(name));
  }
  const lines = form.querySelector("[data-lines]");
  if (lines) fields[lines.dataset.lines] = linesOf(form);
  const record = {
    id, kind: typed.kind, trip: typed.trip, fields,
    happened: `${typed.happened}:00${OFFSET}`,
    entered: new Date(platformNow()).toISOString(),
    source: fields.haul ? "position" : "hand",
  };
  if (typed.behalf) record.behalf_of = typed.behalf;
  return { record, typed };
};

const textOf = (form) =>
  [...form.querySelectorAll("[name^=f_]")]
    .filter(({ value }) => value.trim())
    .map((field) => {
      if (field.selectedOptions) return field.selectedOptions[0].textContent;
      const text = field.dataset.type === "instant" ? localText(field.value) : field.value;
      return `${field.labels[0]?.textContent.trim()}: ${text}`;
    })
    .join(" · ");

const show = (node, text) => {
  node.textContent = text;
  node.hidden = !text;
};

// Sending may have begun before this entry was kept: then it is not in what was sent.
const sendNow = async (id) => {
  await send();
  if ((await mine()).some((one) => one.id === id && one.state === "waiting")) await send();
};

const setNow = (form) => {
  form.querySelector("[data-now-field]").value = new Date(platformNow() + 7 * HOUR_MS).toISOString().slice(0, 16);
};

const enter = async (form) => {
  const done = form.parentElement.querySelector("[data-done]");
  clearTrouble(form);
  show(done, "");
  const id = form.dataset.again ?? newId();
  delete form.dataset.again;
  const { record, typed } = recordOf(form, id);
  const trip = form.elements.namedItem("trip").selectedOptions[0].textContent;
  stayHere();
  await put({
    id, person: me, vessel: page.dataset.vessel, record, typed, trip,
    name: form.dataset.sea, text: textOf(form), state: "waiting", reason: "", kept_ms: Date.now(),
  });
  sendLater();
  tell(await mine());
  // A network that hangs keeps nobody waiting: it goes on behind.
  await Promise.race([sendNow(id), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  const left = (await mine()).find((one) => one.id === id);
  if (left && left.state !== "waiting") {
    // Nothing of it is in the book: the form still has it.
    await drop(left);
    tell(await mine());
    tellTrouble(form, left.field === "happened" ? left.field : `f_${left.field}`, say("refused", { reason: left.reason }));
    return;
  }
  show(done, left ? say("saved") : say("sent"));
  for (const field of form.querySelectorAll("[data-number], [data-lines] select")) field.value = "";
  setNow(form);
  // With a network the page shows what is in the book now, and the phone keeps it so.
  if (!left && record.kind === "trip") location.assign(`${location.pathname}?trip=${record.trip}`);
};

const begin = () => {
  for (const form of page.querySelectorAll("form[data-sea]")) {
    setNow(form);
    form.addEventListener("submit", async (happened) => {
      happened.preventDefault();
      const press = form.querySelector("button.main");
      press.disabled = true;
      await enter(form).finally(() => { press.disabled = false; });
    });
  }
  const haul = page.querySelector("select[name=f_haul]");
  // A haul is of its own trip.
  haul?.addEventListener("change", () => {
    const { trip } = haul.selectedOptions[0].dataset;
    if (trip) haul.form.elements.namedItem("trip").value = trip;
  });
  const kept = Number(body.dataset.kept);
  if (!kept) return;
  const time = new Date(kept).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false });
  show(document.getElementById("lost"), say("kept", { time }));
  addEventListener("online", async () => {
    await send();
    location.reload();
  });
};

// The worker keeps the pages that were seen; the logbook is kept before it is needed.
const keepLog = async () => {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/sw.js");
  const { active } = await navigator.serviceWorker.ready;
  const logs = [...document.querySelectorAll('a[href$="/log"]')].map(({ pathname }) => pathname).slice(0, 3);
  if (page) logs.unshift(location.pathname);
  if (Number(body.dataset.kept) || !logs.length) return;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => { body.dataset.logs = data; };
  active.postMessage({ keep: [...new Set(logs)] }, [port2]);
};

const forget = async () => {
  for (const name of await caches.keys()) if (name.startsWith("gw-seen-")) await caches.delete(name);
};

if (page) begin();
guardDoor({ send, words: say("stay"), forget: "caches" in self ? forget : undefined });
addEventListener("online", send);
onSent(async () => tell(await mine()));
setInterval(async () => { if ((await mine()).some(({ state }) => state === "waiting")) send(); }, AGAIN_MS);
send();
if (document.readyState === "complete") keepLog().catch(() => {});
else addEventListener("load", () => keepLog().catch(() => {}));
