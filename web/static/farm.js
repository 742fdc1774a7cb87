// Keeps the farmer's open page true: told by the server when an alarm changes, it asks for
// the page again and swaps the parts marked data-swap. Without it the page is as loaded.
(() => {
  "use strict";
  const parts = document.querySelectorAll("[data-swap]");
  if (!parts.length || !("EventSource" in window)) return;
  const VALUES_MS = 4000;
  // Probes are read by the minute: a demo that runs faster says so, and is asked more often.
  const CALM_MS = Math.max(10000, 3 * Number(document.body.dataset.poll || 0));
  const LOST_MS = 30000;
  let state = null;
  let value = null;
  let swapped = Date.now();
  let isAsking = false;
  let isDue = false;
  let isLost = false;

  const swap = async () => {
    if (isAsking) { isDue = true; return; }
    isAsking = true;
    try {
      // A page that draws its own charts asks for the parts alone.
      const part = document.body.dataset.live ? { "X-Part": "swap" } : {};
      const answer = await fetch(location.href, { headers: { Accept: "text/html", ...part }, cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of document.querySelectorAll("[data-swap]")) {
          const next = fresh.getElementById(old.id);
          // What somebody has opened to confirm stays open; where it is another question, it does not.
          for (const { id } of old.querySelectorAll("details[open][id]")) fresh.getElementById(id)?.setAttribute("open", "");
          if (next && next.innerHTML !== old.innerHTML && !old.contains(document.querySelector("input:focus"))) {
            old.replaceChildren(...next.childNodes);
          }
        }
        const told = fresh.getElementById("updated");
        if (told) document.getElementById("updated").textContent = told.textContent;
        swapped = Date.now();
        if (isLost) document.dispatchEvent(new Event("greenwater:found"));
        isLost = false;
      }
    } catch {
      // The next mark asks again; meanwhile the page says how old it is.
      if (Date.now() - swapped > LOST_MS) {
        isLost = true;
        document.dispatchEvent(new CustomEvent("greenwater:lost", { detail: { since: swapped } }));
      }
    } finally {
      isAsking = false;
      if (isDue) { isDue = false; swap(); }
    }
  };

  let source = null;
  const listen = () => {
    if (!parts[0].dataset.events) return;
    source = new EventSource(parts[0].dataset.events);
    source.addEventListener("message", (told) => {
      const marks = JSON.parse(told.data);
      const isNews = state !== null && marks.state !== state;
      const isOld = value !== null && marks.value !== value && Date.now() - swapped > VALUES_MS;
      const isFirst = state === null;
      state = marks.state;
      value = marks.value;
      if (isNews || isOld || isFirst) swap();
    });
    // What changed of the readings, as live.js shows it.
    source.addEventListener("live", (told) => {
      document.dispatchEvent(new CustomEvent("greenwater:live", { detail: JSON.parse(told.data) }));
    });
    // Newer pages took its place: this one asks by itself until somebody looks at it again.
    source.addEventListener("over", () => {
      source.close();
      source = null;
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !parts[0].dataset.events) return;
    if (!source) listen();
    swap();
  });
  listen();
  // A box's answer and a calm pond's readings change no alarm.
  setInterval(() => {
    const every = document.querySelector("[data-aerator]") ? VALUES_MS : CALM_MS;
    if (!document.hidden && Date.now() - swapped > every) swap();
  }, 1000);
})();
