// What a trip card is worth: the same rules as traceability/sea/cards.py, held to the same
// vectors. Needs nothing but the text and the published keys.
import { findKey, fromText, isSigned } from "./verify.js";

const CARD = new RegExp(
  "^(?<signed>(?<base>https?:\\/\\/[0-9A-Za-z.\\-]+(?::[0-9]{1,5})?(?:\\/[0-9A-Za-z._~\\-]+)*)" +
    "\\/card\\/(?<vessel>(?:[A-Z]|%C4%90){2,3}-[0-9]{4,5}-TS)" +
    "\\/(?<from>[0-9]{8})-(?<to>0|[0-9]{8})" +
    "\\/(?<catch>0|[A-Z]{3}[0-9]{1,7}(?:\\.[A-Z]{3}[0-9]{1,7}){0,11})" +
    "\\/(?<papers>0|[A-Z][0-9]{6}(?:\\.[A-Z][0-9]{6}){0,11})" +
    "\\/(?<made>[0-9]{12})\\?s=(?<key>[a-z2-7]{8}))" +
    "\\.(?<signature>[0-9A-Za-z_\\-]{86})$",
);
const LIKE = /^https?:\/\/[^?#]*\/card\//;
const DOMAIN = "greenwater-card-1\n";
const LASTING = "999999";
const CARD_DAYS = 7;
const DAY_MS = 86_400_000;
const VIETNAM_MS = 7 * 3_600_000;

const trimmed = (text) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
export const isLikeACard = (text) => LIKE.test(trimmed(text));

// YYYYMMDD as 2026-06-01; null: there is no such day.
const isoDay = (text) => {
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)];
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const isDay = Number(year) > 0 && at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  return isDay ? `${year}-${month}-${day}` : null;
};

const madeAt = (text) => {
  const [hour, minute] = [Number(text.slice(8, 10)), Number(text.slice(10, 12))];
  const day = isoDay(text.slice(0, 8));
  if (!day || hour > 23 || minute > 59) return null;
  return Date.parse(`${day}T00:00:00Z`) + (hour * 60 + minute) * 60_000 - VIETNAM_MS;
};

const pairs = (text, cut) => (text === "0" ? [] : text.split(".").map((one) => [one.slice(0, cut), one.slice(cut)]));

// What the parts say; null: a day in them is none, or something stands there twice.
const read = (parts) => {
  const caught = pairs(parts.catch, 3).map(([species, kg]) => [species, Number(kg)]);
  const papers = pairs(parts.papers, 1).map(([letter, day]) => [letter, day === LASTING ? "" : isoDay(`20${day}`)]);
  const [from, to, made] = [isoDay(parts.from), parts.to === "0" ? "" : isoDay(parts.to), madeAt(parts.made)];
  const isTwice = [caught, papers].some((list) => new Set(list.map(([name]) => name)).size < list.length);
  if (from === null || to === null || made === null || isTwice || papers.some(([, day]) => day === null)) return null;
  return { vessel: decodeURIComponent(parts.vessel), from, to, caught, papers, made_ms: made };
};

// What a card is worth. `status` is the published list as readStatus gives it; null: none.
export const checkCard = async (text, keysDocument, now, status = null) => {
  const found = CARD.exec(trimmed(text));
  if (!found) return { code: isLikeACard(text) ? "altered" : "not_a_card" };
  const { signed, key: kid, signature: spelt } = found.groups;
  const [card, signature] = [read(found.groups), fromText(spelt)];
  if (!card || !signature) return { code: "altered" };
  const key = findKey(keysDocument, kid);
  if (!key) return { code: "unknown_key", card, key: kid };
  if (!(await isSigned(DOMAIN + signed, signature, key))) return { code: "altered", card, key: kid };
  if ((key.state ?? "active") !== "active") return { code: "revoked", card, key: kid };
  const isCalledIn = (status?.cards ?? []).some((one) => one.vessel === card.vessel && card.made_ms <= one.until_ms);
  const isOld = now >= card.made_ms + CARD_DAYS * DAY_MS;
  return { code: isCalledIn ? "cancelled" : isOld ? "expired" : "valid", card, key: kid, at_ms: status?.at_ms ?? null };
};
