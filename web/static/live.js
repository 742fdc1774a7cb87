// Brings an open page up to date. Without it the page reloads itself once a minute.
(() => {
  "use strict";
  const body = document.body;
  const source = body.dataset.live;
  const every = Number(body.dataset.poll);
  if (!source) return;
  const lost = document.getElementById("lost");
  const updated = document.getElementById("updated");
  let heard = Number(body.dataset.kept) || Date.now();
  let timer = 0;

  const each = (name, act) => {
    for (const node of document.querySelectorAll(`[data-${name}]`)) act(node, node.dataset[name]);
  };
  const state = (node, name) => {
    node.classList.remove("fresh", "stale", "silent", "bad");
    node.classList.add(name);
  };
  const text = (node, words) => {
    if (node.textContent !== words) node.textContent = words;
  };

  const show = (news) => {
    let isSame = true;
    text(updated, news.updated);
    each("value", (node, key) => {
      const now = news.values[key];
      if (!now) { isSame = false; return; }
      text(node.querySelector("b"), now[0]);
      text(node.querySelector("i"), now[1]);
      state(node, now[2]);
    });
    each("probe", (node, key) => {
      const now = news.probes[key];
      if (!now) return;
      text(node.querySelector(".age"), now[0]);
      state(node, now[1]);
    });
    each("unit", (node, id) => {
      if (news.units[id]) state(node, news.units[id][0]);
    });
    each("notices", (node, id) => {
      const words = news.units[id] ? news.units[id][1] : [];
      if ([...node.children].map((child) => child.textContent).join("\n") === words.join("\n")) return;
      node.replaceChildren(...words.map((word) => {
        const item = document.createElement("li");
        item.textContent = word;
        return item;
      }));
    });
    const shown = document.querySelectorAll("[data-value]").length;
    if (!isSame || shown !== Object.keys(news.values).length) location.reload();
  };

  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(source, { signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      heard = Date.now();
      lost.hidden = true;
      document.dispatchEvent(new Event("greenwater:news"));
    } catch {
      const time = new Date(heard).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit" });
      text(lost, body.dataset.lost.replace("{time}", time));
      lost.hidden = Date.now() - heard < 3 * every;
    }
    timer = setTimeout(ask, every);
  };
  // Told by the server, nothing need be asked for a while.
  document.addEventListener("greenwater:live", ({ detail }) => {
    clearTimeout(timer);
    show(detail);
    heard = Date.now();
    lost.hidden = true;
    document.dispatchEvent(new Event("greenwater:news"));
    timer = setTimeout(ask, 6 * every);
  });
  document.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, every);
})();
