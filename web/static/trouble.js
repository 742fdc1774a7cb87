// What a form was refused for, told beside its field as the server's own form tells it
// (templates/record.html), and the field brought to the eye; of no field, by the button.
export const clearTrouble = (form) => {
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    document.getElementById(field.getAttribute("aria-describedby"))?.remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  const line = form.querySelector("[data-trouble]");
  line.textContent = "";
  line.hidden = true;
};

export const tellTrouble = (form, name, text) => {
  clearTrouble(form);
  // What is wrong with a list of species is told under the list.
  const lines = form.querySelector(`[data-lines="${name.slice(2)}"]`);
  const field = lines?.querySelector("select") ?? form.elements.namedItem(name);
  if (!field?.id) {
    const line = form.querySelector("[data-trouble]");
    line.textContent = text;
    line.hidden = false;
    return;
  }
  for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  const note = Object.assign(document.createElement("p"), { className: "warning", id: `t_${field.id}`, textContent: text });
  note.setAttribute("role", "alert");
  if (lines) lines.append(note);
  else field.after(note);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", note.id);
  field.focus();
};
