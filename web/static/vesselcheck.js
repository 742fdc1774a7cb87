// A vessel on the check page: as the list on this phone has it, with the list's time, and what
// an inspector signs of it: papers, written against weighed kilograms, photos, what he found.
import { typedNumber } from "./numbers.js";

const WORST = ["bad", "doubt", "good"];

// ``page`` has the parts, ``words`` the words; ``fact`` makes a line of a list, ``moment`` says a time.
export const vesselCheck = ({ part, words, say, fact, moment }) => {
  let shown = null;
  const mark = ({ text, look }) => `${words.marks[look]} ${text}`;
  const lookOf = ({ papers, weights }) => {
    const lines = [...papers, ...weights];
    return WORST.find((one) => lines.some((line) => line.look === one)) ?? "doubt";
  };

  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });

  const weightLine = (number, { name, wrote, weighed }, extra) => {
    const label = document.createElement("label");
    label.htmlFor = `vkg${number}`;
    const kg = (value) => value.toLocaleString(words.locale);
    label.textContent = extra ? say("vessel_kg_other") : say("vessel_kg", { name, wrote: kg(wrote), weighed: kg(weighed) });
    const field = Object.assign(document.createElement("input"), { id: `vkg${number}`, name: "kg", autocomplete: "off", inputMode: "decimal", maxLength: 12 });
    return [label, ...(extra ? [extra] : []), field];
  };

  // A field for each species of the last landing, and one for what nobody wrote.
  const fill = (form, { kilograms }) => {
    const other = Object.assign(document.createElement("select"), { name: "species" });
    other.setAttribute("aria-label", say("vessel_species"));
    const named = Object.entries(words.species_names).sort(([, one], [, two]) => one.localeCompare(two, words.locale));
    other.append(option("", say("vessel_species")), ...named.map(([code, name]) => option(code, name)));
    part("weighed").replaceChildren(
      ...kilograms.flatMap((one, at) => weightLine(at, one)),
      ...weightLine(kilograms.length, {}, other),
    );
    const { port } = form.elements;
    if (port.options.length < 2) port.append(...Object.entries(words.ports).map(([code, name]) => option(code, name)));
  };

  // Kilograms that he saw weighed: {species, kg, wrote}; null where a field is no number.
  const weighedIn = (form, { kilograms }) => {
    const lines = [];
    for (const [at, field] of [...part("weighed").querySelectorAll("input")].entries()) {
      if (!field.value.trim()) continue;
      const species = kilograms[at]?.species ?? form.elements.species.value;
      const kg = Number(typedNumber(field.value));
      if (!species || !Number.isFinite(kg) || kg < 0) {
        field.focus();
        return null;
      }
      if (lines.some((one) => one.species === species)) continue;
      const known = kilograms.find((one) => one.species === species);
      lines.push(known ? { species, kg, wrote: known.wrote } : { species, kg });
    }
    return lines;
  };

  // Shows a vessel; returns whether there is one that can be inspected.
  const show = (known, text) => {
    const { vessel, at_ms, isFresh } = known ?? {};
    const box = part("verdict");
    const look = vessel ? lookOf(vessel) : "doubt";
    shown = vessel ? { vessel, at_ms, look } : null;
    box.hidden = false;
    box.className = `verdict ${look}`;
    box.dataset.code = vessel ? "vessel" : known ? "vessel_none" : "vessel_no_list";
    box.dataset.online = String(Boolean(isFresh));
    part("mark").textContent = words.marks[look];
    part("title").textContent = vessel ? `${vessel.name} ${vessel.id}` : say(known ? "vessel_none" : "vessel_no_list");
    part("why").textContent = vessel ? "" : known ? text : say("vessel_no_list_why");
    part("checked").textContent = at_ms ? say(isFresh ? "vessel_fresh" : "vessel_kept", { when: moment(at_ms) }) : "";
    const told = vessel
      ? [
          ["vessel_owner", vessel.owner],
          ["vessel_facts", vessel.facts],
          ...vessel.papers.map((one) => ["vessel_papers", mark(one)]),
          ["vessel_landed", vessel.landed],
          ...vessel.weights.map((one) => ["vessel_weights", mark(one)]),
          ["vessel_inspected", vessel.inspected],
        ]
      : [];
    part("facts").replaceChildren(...told.flatMap(([name, value]) => (value ? fact(say(name), value) : [])));
    const more = part("more");
    more.hidden = !vessel || !isFresh;
    more.textContent = say("vessel_more");
    if (vessel) more.href = `/inspections/vessels?number=${encodeURIComponent(vessel.id)}`;
    part("inspect").hidden = true;
    const form = part("inspect-vessel");
    // A list that has come meanwhile takes nothing away from what is being typed.
    const isSame = !form.hidden && form.dataset.vessel === vessel?.id;
    if (vessel && !isSame) {
      form.reset();
      fill(form, vessel);
      form.dataset.vessel = vessel.id;
      part("vsigned").textContent = "";
    }
    if (!isSame) box.focus();
    return Boolean(vessel);
  };

  // What the form says, ready to be signed; null where something in it cannot be.
  const found = (form, result) => {
    const { vessel, at_ms, look } = shown;
    const weighed = weighedIn(form, vessel);
    if (weighed === null) return null;
    const { papers, weights, port, note } = form.elements;
    return {
      vessel: vessel.id, result, papers: papers.value, weights: weights.value, weighed,
      port: port.value, list_ms: at_ms, shown: look, note: note.value.trim(),
    };
  };

  return { show, found };
};
