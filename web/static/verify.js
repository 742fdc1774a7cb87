// What a label is worth: the same rules as traceability/verify.py, held to the same
// vectors. Needs nothing but the text, the published keys and the published list.
import { verifyAsync } from "./vendor/noble/ed25519.js";

const LABEL = new RegExp(
  "^(?<signed>" +
    "(?<base>https?:\\/\\/[0-9A-Za-z.\\-]+(?::[0-9]{1,5})?(?:\\/[0-9A-Za-z._~\\-]+)*)" +
    "\\/01\\/(?<gtin>[0-9]{14})" +
    "\\/10\\/(?<lot>[0-9A-Za-z.\\-]{1,20})" +
    "\\/21\\/(?<serial>[0-9A-HJKMNP-TV-Z]{12})" +
    "\\?k=(?<key>[a-z2-7]{8}))" +
    "&s=(?<signature>[0-9A-Za-z_\\-]{86})$",
);
const LIKE = /\/01\/|[?&]s=|[?&]k=/;
const LABEL_DOMAIN = "greenwater-label-1\n";
const STATUS_DOMAIN = "greenwater-status-1\n";
const utf8 = new TextEncoder();

const toText = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

// The bytes of base64url; null for another spelling of the same bytes.
const fromText = (text) => {
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

const isSigned = async (message, signature, key) => {
  const publicKey = fromText(key.x);
  if (!publicKey || publicKey.length !== 32 || !signature || signature.length !== 64) return false;
  try {
    return await verifyAsync(signature, utf8.encode(message), publicKey, { zip215: false });
  } catch {
    return false;
  }
};

const findKey = (keys, kid) => (keys && keys.keys ? keys.keys.find((key) => key.kid === kid) : undefined);

// The published list, if a key that is known signed it; null otherwise.
export const readStatus = async (document, keys) => {
  if (!document) return null;
  const key = findKey(keys, document.k);
  if (!key || !(await isSigned(STATUS_DOMAIN + document.payload, fromText(document.s), key))) return null;
  return JSON.parse(document.payload);
};

const standing = (label, status) => {
  if (!status) return { code: "genuine" };
  const recall = (status.recalled ?? []).find((one) => one.gtin === label.gtin && one.lot === label.lot);
  if (recall) return { code: "recalled", reason: recall.reason, phone: recall.phone };
  if ((status.revoked ?? []).includes(label.serial)) return { code: "revoked" };
  if ((status.suspended ?? []).includes(label.serial)) return { code: "suspended" };
  return { code: "genuine" };
};

export const checkLabel = async (text, keysDocument, statusDocument) => {
  const plain = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  const found = LABEL.exec(plain);
  const signature = found ? fromText(found.groups.signature) : null;
  if (!found || !hasCheckDigit(found.groups.gtin) || !signature) {
    return { code: LIKE.test(plain) ? "altered" : "not_a_label" };
  }
  const { gtin, lot, serial, key: kid, signed } = found.groups;
  const label = { gtin, lot, serial, key: kid };
  const status = await readStatus(statusDocument, keysDocument);
  const at = { at_ms: status ? status.at_ms : null };
  const key = findKey(keysDocument, kid);
  if (!key) return { code: "unknown_key", ...label, ...at };
  if (!(await isSigned(LABEL_DOMAIN + signed, signature, key))) return { code: "altered", ...label, ...at };
  if ((key.state ?? "active") !== "active") return { code: "revoked", ...label, ...at };
  return { ...standing(label, status), ...label, ...at };
};
