// What was typed into a page stays when its language or its look is switched: it is noted in
// this tab alone as the switch is pressed, and is put back, once, by the page that comes then.
// Passwords, PINs, codes and files are never noted.
import { typedNumber } from "./numbers.js";

const KEY = "gw-typed";
const FRESH_MS = 60_000;
const UNKEPT = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
const { lang } = document.documentElement;
const isAnswer = "answered" in document.body.dataset;
const touched = new WeakSet();

// The page whatever its language and look.
const pageOf = (address) => {
  const { pathname, searchParams } = new URL(address, location.href);
  for (const one of ["lang", "theme"]) searchParams.delete(one);
  searchParams.sort();
  return `${pathname}?${searchParams}`;
};

const formsIn = () => [...document.querySelectorAll("main form")];

// Forms of one page are told apart by where they go, what they are about, and their order.
const named = (forms) => {
  const counted = new Map();
  return forms.map((form) => {
    const kind = form.querySelector("input[type=hidden][name=kind]")?.value ?? "";
    const name = [form.getAttribute("action") ?? "", kind].join(" ");
    counted.set(name, (counted.get(name) ?? 0) + 1);
    return [`${name} ${counted.get(name)}`, form];
  });
};

const isKept = ({ name, type, autocomplete }) => name && !UNKEPT.has(type) && !/one-time-code|password/.test(autocomplete ?? "");

const fieldsOf = (form) => {
  const counted = new Map();
  return [...form.elements].filter(isKept).map((field) => {
    counted.set(field.name, (counted.get(field.name) ?? 0) + 1);
    return [`${field.name} ${counted.get(field.name)}`, field];
  });
};

const isTicked = ({ type }) => type === "checkbox" || type === "radio";

const hasChanged = (field) => {
  if (isTicked(field)) return field.checked !== field.defaultChecked;
  if (field.type === "select-one") {
    const first = [...field.options].findLast((one) => one.defaultSelected) ?? field.options[0];
    return field.value !== first?.value;
  }
  return field.value !== field.defaultValue;
};

// A time that the page itself moves on is not typed; what stands in an answer is, all of it.
const isTyped = (field) => touched.has(field) || isAnswer || (!("nowField" in field.dataset) && hasChanged(field));

const note = ({ currentTarget }) => {
  const forms = {};
  for (const [name, form] of named(formsIn())) {
    const typed = fieldsOf(form).filter(([, field]) => isTyped(field));
    if (!typed.length) continue;
    forms[name] = Object.fromEntries(
      typed.map(([key, field]) => {
        const plain = field.inputMode === "decimal" ? typedNumber(field.value) : undefined;
        return [key, isTicked(field) ? { value: field.value, checked: field.checked } : { value: field.value, plain }];
      }),
    );
  }
  if (!Object.keys(forms).length) return;
  const kept = { page: pageOf(currentTarget.href), at: Date.now(), lang, forms };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing switches all the same.
  }
};

// A number is written as the page's language writes it.
const written = (kept, { value, plain }) => {
  if (plain === undefined || kept.lang === lang) return value;
  return lang === "vi" ? plain.replace(".", ",") : plain;
};

const putBack = (kept) => {
  for (const [name, form] of named(formsIn())) {
    const fields = kept.forms[name] ?? {};
    for (const [key, field] of fieldsOf(form)) {
      const one = fields[key];
      if (!one) continue;
      touched.add(field);
      const [what, value] = isTicked(field) ? ["checked", one.checked] : ["value", written(kept, one)];
      if (field[what] === value || (isTicked(field) && field.value !== one.value)) continue;
      field[what] = value;
      for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    }
  }
};

const taken = () => {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return JSON.parse(text);
  } catch {
    return null;
  }
};

for (const happening of ["input", "change"]) document.addEventListener(happening, ({ target }) => touched.add(target));
const kept = taken();
if (kept && kept.page === pageOf(location.href) && Date.now() - kept.at < FRESH_MS) putBack(kept);
for (const link of document.querySelectorAll("a.switch, footer a")) link.addEventListener("click", note);
