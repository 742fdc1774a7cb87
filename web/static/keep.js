// What a phone keeps until the platform has it: a small database whose writes are on the disk
// when they are done, sending that never runs twice at once, and a door that stays shut
// while something is unsent.

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// Opens the database of a name, at a version; ``upgrade(base, oldVersion)`` makes its stores.
// What is returned does something in one transaction; done when it is on the disk.
export const keeper = (name, version, upgrade) => {
  const opened = () => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    return asked(request);
  };
  return async (store, mode, act) => {
    const base = await opened();
    try {
      const change = base.transaction(store, mode, { durability: "strict" });
      const done = new Promise((resolve, reject) => {
        change.oncomplete = resolve;
        change.onabort = () => reject(change.error);
      });
      const found = await asked(act(change.objectStore(store)));
      await done;
      return found;
    } finally {
      base.close();
    }
  };
};

// A browser that may clear what it keeps is asked not to; it need not answer.
export const stayHere = () => navigator.storage?.persist?.().catch(() => {});

// Two calls at once are one.
export const once = (act) => {
  let running = null;
  return () =>
    (running ??= act().finally(() => {
      running = null;
    }));
};

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
