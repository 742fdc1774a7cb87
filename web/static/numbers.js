// A number as it was typed, with a plain decimal point (web/views/formats.py, typed_number).
export const typedNumber = (text, lang = document.documentElement.lang) => {
  const found = text.trim().replaceAll(/[\u00a0 ]/g, "");
  const [group, point] = lang === "vi" ? [".", ","] : [",", "."];
  const grouped = new RegExp(`^-?[1-9]\\d{0,2}(\\${group}\\d{3})+(\\${point}\\d+)?$`);
  if (grouped.test(found)) return found.replaceAll(group, "").replace(point, ".");
  if (/^-?\d+([.,]\d+)?$/.test(found)) return found.replace(",", ".");
  return text;
};

// A latitude or longitude in degrees: 12°11,9' as a plotter shows it, or 12,198 (typed_degrees there).
export const typedDegrees = (text) => {
  const found = text.trim();
  if (/^-?\d+([.,]\d+)?$/.test(found)) return found.replace(",", ".");
  const [, degrees, told] = /^(\d{1,3})\s*(?:°|độ|\s)\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:['′’]|phút)?\s*[BNĐDE]?$/i.exec(found) ?? [];
  const minutes = Number(told?.replace(",", "."));
  return minutes < 60 ? String(Number(degrees) + minutes / 60) : text;
};
