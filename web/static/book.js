// The book on a keeper's phone: entries, photos too, are kept here until they are sent. Also: pages as they
// were last seen say how old they are.
import { typedNumber } from "./numbers.js";
import { picturesOf } from "./pictures.js";
import { bookOf, dropRecord, inBook, sendBook } from "./sending.js";
import { clearTrouble, tellTrouble } from "./trouble.js";
import {
  OFFSET, bookHere, button, element, filled, keepPages, localTime, minded, newId, onEnter, platformNow, renewed,
  sendEntry, signOutToken as token, takeUp, typedIn,
} from "./waiting.js";

const { body } = document;
const words = JSON.parse(body.dataset.words);

const say = (key, facts = {}) => filled(words[`phone_${key}`] ?? words[key], facts);

// What waits

const stateOf = ({ state, reason }) => {
  if (state === "conflict") return say("conflict");
  return state === "refused" ? say("refused", { reason }) : say("waits");
};

const shown = (one) => {
  const item = element("li", "", { className: "entry" });
  item.dataset.unsent = one.id;
  item.dataset.state = one.state;
  const photos = one.photos ? ` · ${say("photos", { count: one.photos })}` : "";
  const when = one.record.happened.slice(0, 16).replace("T", " ");
  const note = [one.told.place, when, stateOf(one)].filter(Boolean).join(" · ");
  item.append(element("b", one.told.name), element("p", `${one.told.text}${photos}`), element("p", note, { className: "note" }));
  if (one.state === "conflict") item.append(element("a", say("conflict_see"), { className: "button", href: one.href }), " ");
  if (one.state === "refused" && document.getElementById("today"))
    item.append(button(say("edit"), () => takeUp("form[data-book]", one, one.told.typed)), " ");
  if (one.state !== "stored") item.append(here.dropOne(one));
  return item;
};

const here = bookHere({
  person: body.dataset.person, within: inBook, entries: bookOf, sendOut: sendBook, drop: dropRecord,
  line: document.getElementById("unsent"), say, shown,
});
export const { send } = here;

// Forms of the book

const PLACES = ["crop", "unit", "site"];

const recordOf = (form, id) => {
  const typed = typedIn(form);
  const fields = {};
  for (const [name, value] of Object.entries(typed)) {
    if (!name.startsWith("f_") || value.trim() === "") continue;
    const isNumber = form.elements.namedItem(name).inputMode === "decimal";
    fields[name.slice(2)] = isNumber ? typedNumber(value) : value;
  }
  const record = { id, kind: typed.kind, happened: `${typed.happened}${OFFSET}`, fields };
  for (const name of [...PLACES, "corrects", "behalf_of"]) if (typed[name]) record[name] = typed[name];
  return { record, typed };
};

const labelOf = (form, name) => form.elements.namedItem(name)?.labels?.[0]?.textContent.trim() ?? name;

const toldOf = (form, typed) => {
  const place = PLACES.map((name) => form.elements.namedItem(name)).find(Boolean);
  const text = Object.entries(typed)
    .filter(([name, value]) => name.startsWith("f_") && value.trim())
    .map(([name, value]) => {
      const field = form.elements.namedItem(name);
      return `${labelOf(form, name)}: ${field.selectedOptions ? field.selectedOptions[0].textContent : value}`;
    });
  return { name: form.dataset.book, text: text.join(" · "), place: place?.selectedOptions?.[0].textContent ?? "", typed };
};

const show = (node, text) => {
  if (!node) return;
  node.textContent = text;
  node.hidden = !text;
};

const inputOf = ({ field }) => (field === "happened" ? field : `f_${field}`);

const refusalOf = (form, one, typed) => {
  if (!one.field) return stateOf(one);
  const value = typed[`f_${one.field}`] ?? typed[one.field] ?? "";
  return value.trim() ? say("not_saved", { reason: one.reason }) : say("field_missing", { name: labelOf(form, inputOf(one)) });
};

const enter = async (form) => {
  const done = form.parentElement.querySelector("[data-done]");
  clearTrouble(form);
  show(done, "");
  const id = form.dataset.again ?? newId();
  delete form.dataset.again;
  const { record, typed } = recordOf(form, id);
  let pictures = [];
  try {
    pictures = await picturesOf(form);
  } catch {
    tellTrouble(form, "", say("no_photo"));
    return;
  }
  await here.keep({ record, told: toldOf(form, typed) }, pictures);
  const left = await sendEntry(id, send, here.mine);
  if (left?.state === "refused" && !left.href) {
    // Nothing of it is in the book: the form still has it.
    await here.dropIt(left);
    tellTrouble(form, inputOf(left), refusalOf(form, left, typed));
    return;
  }
  if (!left && form.dataset.next) {
    location.assign(form.dataset.next.replace("{id}", id));
    return;
  }
  show(done, left ? (left.state === "waiting" ? say("saved") : stateOf(left)) : say("sent"));
  for (const field of form.querySelectorAll("[data-number], input[type=file]")) field.value = "";
  setNow(form);
};

const setNow = (form) => {
  const field = form.querySelector("[data-now-field]");
  if (field) field.value = localTime(platformNow(body));
};

for (const form of document.querySelectorAll("form[data-book]")) {
  setNow(form);
  for (const part of form.querySelectorAll("[data-photos]")) part.hidden = false;
  onEnter(form, enter);
}

// Pages as they were last seen

const clock = (ms) => new Date(ms).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false });

// ``since``: when the page was true, by this phone's clock.
const sayOld = (since) => {
  const note = document.getElementById("lost");
  show(note, say("kept", { time: clock(since), age: String(Math.round((Date.now() - since) / 60_000)) }));
  body.dataset.age = String(since);
  if (Date.now() - since < Number(body.dataset.stale)) return;
  for (const light of document.querySelectorAll(".light")) {
    light.className = "light lost";
    light.textContent = `○ ${say("old")}`;
  }
  for (const unit of document.querySelectorAll(".homeunit")) unit.className = "homeunit lost";
  for (const one of document.querySelectorAll(".unit.fresh, .value.fresh, .probe.fresh")) one.classList.replace("fresh", "stale");
};

const kept = Number(body.dataset.kept);
if (kept) {
  for (const age of document.querySelectorAll(".age, .unitlight i")) {
    if (age.textContent.trim()) age.textContent = say("kept_age", { time: clock(kept), age: age.textContent.trim() });
  }
  sayOld(kept);
  setInterval(() => sayOld(kept), 30_000);
  renewed(send);
}
document.addEventListener("greenwater:lost", ({ detail }) => sayOld(detail.since));
document.addEventListener("greenwater:found", () => show(document.getElementById("lost"), ""));

// The pages of the farm are kept before they are seen, once for each time somebody signs in.
const unitPages = () => {
  const units = [...document.querySelectorAll("[data-unit-home] a.unitlight")].map(({ href }) => href).slice(0, 8);
  const isDone = !units.length || sessionStorage.getItem("gw-pages") === token;
  return isDone ? [] : ["/records/today", "/alarms", ...units];
};

minded({ ...here, words: say("stay"), waits: ({ state }) => state !== "refused" && state !== "conflict" });
keepPages(unitPages, (data) => {
  if (data === "kept") sessionStorage.setItem("gw-pages", token);
  body.dataset.pages = data;
});
