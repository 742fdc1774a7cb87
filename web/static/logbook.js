// A boat's logbook on the family's phone: entries, photos too, are kept here until they are sent. Every page
// of the boat's people loads this: nobody signs out while something waits.
import { typedDegrees, typedNumber } from "./numbers.js";
import { picturesOf } from "./pictures.js";
import { dropEntry, inLog, logOf, sendLog } from "./sending.js";
import { clearTrouble, tellTrouble } from "./trouble.js";
import {
  OFFSET, bookHere, button, element, filled, keepPages, localTime, minded, newId, onEnter, platformNow, renewed,
  sendEntry, takeUp, typedIn,
} from "./waiting.js";

const { body } = document;
const words = JSON.parse(body.dataset.sea);
const page = document.getElementById("log");

const say = (key, facts = {}) => filled(words[key] ?? key, facts);

// What waits

const isWaiting = ({ state }) => state === "waiting" || state === "stored"; // stored: its photos wait
const stateOf = (one) => (isWaiting(one) ? say("waits") : say("refused", { reason: one.reason }));

const shown = (one) => {
  const item = element("li", "", { className: "entry" });
  item.dataset.unsent = one.id;
  item.dataset.state = one.state;
  const when = localText(one.record.happened);
  const photos = one.photos ? ` · ${say("photos", { count: one.photos })}` : "";
  item.append(
    element("b", one.name), element("p", `${one.text}${photos}`),
    element("p", [one.trip, when, stateOf(one)].filter(Boolean).join(" · "), { className: "note" }),
  );
  if (!isWaiting(one) && !one.href) item.append(button(say("edit"), () => takeUp("form[data-sea]", one, one.typed)), " ");
  if (one.state !== "stored") item.append(here.dropOne(one));
  return item;
};

const line = document.getElementById("sea-unsent");

const told = (all) => {
  if (all.length) line.firstElementChild.href = `/vessels/${encodeURIComponent(all[0].vessel)}/log#sea-unsent-list`;
  if (page) addTrips(all);
};

const here = bookHere({
  person: body.dataset.sailor, within: inLog, entries: logOf, sendOut: sendLog, drop: dropEntry, line, say, shown, told,
});
export const { send } = here;

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
  if (field.dataset.type === "degrees") return typedDegrees(field.value);
  return field.dataset.type === "number" ? typedNumber(field.value) : field.value.trim();
};

const recordOf = (form, id) => {
  const typed = typedIn(form);
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
    entered: new Date(platformNow(page)).toISOString(),
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

const setNow = (form) => {
  form.querySelector("[data-now-field]").value = localTime(platformNow(page));
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
  const trip = form.elements.namedItem("trip").selectedOptions[0].textContent;
  await here.keep({ vessel: page.dataset.vessel, record, typed, trip, name: form.dataset.sea, text: textOf(form) }, pictures);
  const left = await sendEntry(id, send, here.mine);
  if (left && !isWaiting(left) && !left.href) {
    // Nothing of it is in the book: the form still has it.
    await here.dropIt(left);
    tellTrouble(form, left.field === "happened" ? left.field : `f_${left.field}`, say("refused", { reason: left.reason }));
    return;
  }
  show(done, left ? (isWaiting(left) ? say("saved") : stateOf(left)) : say("sent"));
  for (const field of form.querySelectorAll("[data-number], [data-lines] select, input[type=file]")) field.value = "";
  setNow(form);
  // With a network the page shows what is in the book now, and the phone keeps it so.
  if (!left && record.kind === "trip") location.assign(`${location.pathname}?trip=${record.trip}`);
};

const begin = () => {
  for (const form of page.querySelectorAll("form[data-sea]")) {
    setNow(form);
    onEnter(form, enter);
    // One goes with a form; this phone sends several, one after the other.
    for (const field of form.querySelectorAll("input[type=file]")) field.multiple = true;
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
  renewed(send);
};

// The logbook is kept before it is needed.
const logPages = () => {
  const logs = [...document.querySelectorAll('a[href$="/log"]')].map(({ pathname }) => pathname).slice(0, 3);
  return [...new Set(page ? [location.pathname, ...logs] : logs)];
};

if (page) begin();
minded({ ...here, words: say("stay"), waits: isWaiting });
keepPages(logPages, (data) => { body.dataset.logs = data; });
