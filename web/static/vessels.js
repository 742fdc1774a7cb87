// Vessels on an inspector's phone: the list as it was last seen, with its time, and one
// vessel out of it by its registration number, with a network or without.
const CACHE = "gw-duty";
const LIST = "/api/v1/inspections/vessels.json";
const NUMBER = /^[\p{L}]{2,3}[-. ]?\d{4,5}[-. ]?(?:TS)?$/iu;

let isForgotten = false;

const plain = (text) => text.normalize("NFC").toUpperCase().replace(/[-. ]|TS$/g, "");

export const isLikeANumber = (text) => NUMBER.test(text.trim());

// Asks for the list; where there is no network, or nobody on duty, what is kept stays.
export const freshen = async () => {
  try {
    const answer = await fetch(LIST, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) return false;
    if (!isForgotten) await (await caches.open(CACHE)).put(LIST, answer);
    return true;
  } catch {
    return false;
  }
};

// {vessel, at_ms}; vessel null: the list has none of that number; null: no list is kept.
export const keptVessel = async (text) => {
  const kept = await (await caches.open(CACHE)).match(LIST);
  if (!kept) return null;
  const { at_ms, vessels } = await kept.json();
  const vessel = vessels.find((one) => plain(one.id) === plain(text.trim())) ?? null;
  return { vessel, at_ms };
};

// What others may not find on this phone once its inspector has signed out.
// One that is on its way comes too late.
export const forgetVessels = () => {
  isForgotten = true;
  return caches.delete(CACHE);
};
