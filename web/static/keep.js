// What a page does about what waits on this phone: asks that it is kept, has the worker send it
// later, never sends twice at once, and keeps the door shut while something is unsent.
import { SYNC_TAG } from "./sending.js";

// A browser that may clear what it keeps is asked not to; it need not answer.
export const stayHere = () => navigator.storage?.persist?.().catch(() => {});

// Where the browser can, the worker sends once there is a network, though no page is open.
export const sendLater = async () => {
  try {
    const { sync } = await navigator.serviceWorker.ready;
    await sync.register(SYNC_TAG);
  } catch {
    // It cannot: the next page that is opened sends.
  }
};

// Two calls at once are one.
export const once = (act) => {
  let running = null;
  return () =>
    (running ??= act().finally(() => {
      running = null;
    }));
};

// The worker has sent something: ``tell`` shows what is left.
export const onSent = (tell) =>
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.sent === SYNC_TAG) tell();
  });

const duties = [];

const leave = async (happened) => {
  const form = happened.target;
  if (form.dataset.sure === "yes") return;
  happened.preventDefault();
  for (const { send, words } of duties) {
    const { left } = await send();
    if (!left) continue;
    const note = document.getElementById("lost");
    note.textContent = words.replaceAll("{count}", String(left));
    note.hidden = false;
    note.dataset.waiting = String(left);
    return;
  }
  for (const { forget } of duties) await forget();
  form.dataset.sure = "yes";
  form.submit();
};

// Nobody signs out while something waits: the next one to sign in could not send it.
// ``send`` tries once more and says how many are ``left``; ``forget`` clears what only the
// one who leaves may see.
export const guardDoor = ({ send, words, forget = async () => {} }) => {
  duties.push({ send, words, forget });
  if (duties.length > 1) return;
  for (const form of document.querySelectorAll('form[action="/sign-out"]')) form.addEventListener("submit", leave);
};
