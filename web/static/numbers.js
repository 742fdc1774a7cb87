// A number as it was typed, with a plain decimal point (web/views/formats.py, typed_number).
export const typedNumber = (text, lang = document.documentElement.lang) => {
  const found = text.trim().replaceAll(/[\u00a0 ]/g, "");
  const [group, point] = lang === "vi" ? [".", ","] : [",", "."];
  const grouped = new RegExp(`^-?[1-9]\\d{0,2}(\\${group}\\d{3})+(\\${point}\\d+)?$`);
  if (grouped.test(found)) return found.replaceAll(group, "").replace(point, ".");
  if (/^-?\d+([.,]\d+)?$/.test(found)) return found.replace(",", ".");
  return text;
};
