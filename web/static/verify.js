// What a label is worth: the same rules as traceability/proof/verify.py, held to the same
// vectors. Needs nothing but the text, the published keys and the published list.
import { verifyAsync } from "./vendor/noble/ed25519.js";

const THING =
  "(?<base>https?:\\/\\/[0-9A-Za-z.\\-]+(?::[0-9]{1,5})?(?:\\/[0-9A-Za-z._~\\-]+)*)" +
  "\\/01\\/(?<gtin>[0-9]{14})\\/10\\/(?<lot>[0-9A-Za-z.\\-]{1,20})";
const SERIAL = "\\/21\\/(?<serial>[0-9A-HJKMNP-TV-Z]{12})";
// GS1's identifiers in rising order: use by, net weight, catch area, harvest, species, gear, method.
const FACTS =
  "(?<facts>(?:17=[0-9]{6}&)?(?:310[0-5]=[0-9]{6}&)?(?:7005=[0-9A-Z.]{1,12}&)?" +
  "(?:7007=[0-9]{6}(?:[0-9]{6})?&)?(?:7008=[0-9A-Z]{3}&)?(?:7009=[0-9A-Z.]{1,10}&)?" +
  "(?:7010=[0-9]{2}&)?)";
const KEY = "(?<key>[a-z2-7]{8})";
const SIGNATURE = "(?<signature>[0-9A-Za-z_\\-]{86})";
const LABEL = new RegExp(`^(?<signed>${THING}(?:${SERIAL})?\\?${FACTS}s=${KEY})\\.${SIGNATURE}$`);
// The first labels, which stay valid.
const FIRST = new RegExp(`^(?<signed>${THING}${SERIAL}\\?k=${KEY})&s=${SIGNATURE}$`);
const LIKE = /\/01\/|[?&]s=|[?&]k=/;
const LABEL_DOMAIN = "greenwater-label-1\n";
const STATUS_DOMAIN = "greenwater-status-1\n";
const utf8 = new TextEncoder();

const toText = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

// The bytes of base64url; null for another spelling of the same bytes.
export const fromText = (text) => {
  try {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
    const bytes = Uint8Array.from(raw, (one) => one.charCodeAt(0));
    return toText(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
};

const hasCheckDigit = (gtin) => {
  const sum = [...gtin.slice(0, 13)].reverse().reduce((all, digit, at) => all + Number(digit) * (at % 2 === 0 ? 3 : 1), 0);
  return (10 - (sum % 10)) % 10 === Number(gtin[13]);
};

export const isSigned = async (message, signature, key) => {
  const publicKey = fromText(key.x);
  if (!publicKey || publicKey.length !== 32 || !signature || signature.length !== 64) return false;
  try {
    return await verifyAsync(signature, utf8.encode(message), publicKey, { zip215: false });
  } catch {
    return false;
  }
};

export const findKey = (keys, kid) => (keys && keys.keys ? keys.keys.find((key) => key.kid === kid) : undefined);

// The published list, if a key that is known signed it; null otherwise.
export const readStatus = async (document, keys) => {
  if (!document) return null;
  const key = findKey(keys, document.k);
  if (!key || !(await isSigned(STATUS_DOMAIN + document.payload, fromText(document.s), key))) return null;
  return JSON.parse(document.payload);
};

// When a day written YYMMDD ends in Vietnam, in ms; NaN: there is no such day.
const endOf = (text) => {
  const [year, month, day] = [2000 + Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6))];
  const at = new Date(Date.UTC(year, month - 1, day));
  return at.getUTCMonth() === month - 1 && day > 0 ? at.getTime() + 17 * 3600_000 : NaN;
};

const dated = (label, key, at) => {
  if (typeof key.until_ms === "number" && at >= key.until_ms) return { code: "expired" };
  if (label.facts["17"] && at >= endOf(label.facts["17"])) return { code: "past_date" };
  return { code: "valid" };
};

const standing = (label, key, status, now) => {
  const known = status ?? { at_ms: 0 };
  const recall = (known.recalled ?? []).find((one) => one.gtin === label.gtin && one.lot === label.lot);
  if (recall) return { code: "recalled", reason: recall.reason, phone: recall.phone };
  const handle = label.serial || `${label.gtin}/${label.lot}`;
  if ((known.revoked ?? []).includes(handle)) return { code: "revoked" };
  if ((known.suspended ?? []).includes(handle)) return { code: "suspended" };
  return dated(label, key, Math.max(now ?? 0, known.at_ms));
};

const factsOf = (text) => Object.fromEntries(text.split("&").filter(Boolean).map((one) => one.split("=")));

// What a label is worth. Dates are held against `now` or the list's own time, the later one.
export const checkLabel = async (text, keysDocument, statusDocument, now = null) => {
  const plain = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  const found = LABEL.exec(plain) ?? FIRST.exec(plain);
  const signature = found ? fromText(found.groups.signature) : null;
  if (!found || !hasCheckDigit(found.groups.gtin) || !signature) {
    return { code: LIKE.test(plain) ? "altered" : "not_a_label" };
  }
  const { gtin, lot, serial = "", key: kid, signed, facts = "" } = found.groups;
  const label = { gtin, lot, serial, key: kid, facts: factsOf(facts) };
  const status = await readStatus(statusDocument, keysDocument);
  const at = { at_ms: status ? status.at_ms : null };
  const key = findKey(keysDocument, kid);
  if (!key) return { code: "unknown_key", ...label, ...at };
  if (!(await isSigned(LABEL_DOMAIN + signed, signature, key))) return { code: "altered", ...label, ...at };
  if ((key.state ?? "active") !== "active") return { code: "revoked", is_key_withdrawn: true, ...label, ...at };
  return { ...standing(label, key, status, now), ...label, ...at };
};
