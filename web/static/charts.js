// Draws charts with uPlot in place of the drawings that came with the page: limits, doubtful
// readings, odd stretches, readings by hand and forecasts too, at any stretch of time.
(() => {
  "use strict";
  const DASHES = [[], [6, 3], [2, 3], []];
  const PERIODS_H = [6, 24, 168, 720];
  const HOUR_S = 3600;
  const SHORTEST_S = 15 * 60;
  const REACH = 0.35;
  const ZONE = "Asia/Ho_Chi_Minh";
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 2 });
  const clock = new Intl.DateTimeFormat("vi-VN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
  const dayOf = new Intl.DateTimeFormat("vi-VN", { timeZone: ZONE, day: "2-digit", month: "2-digit" });
  const plots = new Map();

  const colour = (name, otherwise) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || otherwise;
  const seconds = (text) => Date.parse(text) / 1000;

  // Something drawn in the plot's own area alone.
  const inside = (plot, act) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    act(ctx, bbox, (t) => plot.valToPos(t, "x", true), (v) => plot.valToPos(v, "y", true));
    ctx.restore();
  };

  const shaded = (live) => (plot) => inside(plot, (ctx, box, x) => {
    ctx.globalAlpha = 0.16;
    for (const odd of live.series.odd ?? []) {
      ctx.fillStyle = odd.is_sensor ? colour("grey", "#5d6a66") : colour("doubt", "#7a4b00");
      const left = x(odd.start);
      ctx.fillRect(left, box.top, Math.max(x(odd.end) - left, 2), box.height);
    }
  });

  const hatched = (live) => (plot) => inside(plot, (ctx, box, x) => {
    ctx.fillStyle = colour("stale", "#dfe3e1");
    ctx.strokeStyle = "#9aa5a0";
    for (const gap of live.series.lines.flatMap((line) => line.gaps)) {
      const left = x(gap.start);
      const width = Math.max(x(gap.end) - left, 2);
      ctx.fillRect(left, box.top, width, box.height);
      ctx.beginPath();
      for (let at = left - box.height; at < left + width; at += 9) {
        ctx.moveTo(Math.max(at, left), box.top + box.height - Math.max(left - at, 0));
        const end = Math.min(at + box.height, left + width);
        ctx.lineTo(end, box.top + box.height - (end - at));
      }
      ctx.stroke();
    }
  });

  const limited = (live) => (plot) => inside(plot, (ctx, box, x, y) => {
    for (const limit of live.series.limits ?? []) {
      ctx.strokeStyle = colour(limit.severity === "critical" ? "bad" : "doubt", "#9b1c1c");
      ctx.setLineDash([2, 4]);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(limit.start == null ? box.left : x(limit.start), y(limit.value));
      ctx.lineTo(limit.end == null ? box.left + box.width : x(limit.end), y(limit.value));
      ctx.stroke();
    }
  });

  const forecast = (live) => (plot) => inside(plot, (ctx, _box, x, y) => {
    for (const { line, points } of live.series.ahead ?? []) {
      const ink = colour(`l${line % 4}`, "#0b5cad");
      const path = (rows) => rows.forEach(([t, v], at) => (at ? ctx.lineTo(x(t), y(v)) : ctx.moveTo(x(t), y(v))));
      ctx.beginPath();
      path([...points.map(([t, , , high]) => [t, high]), ...points.toReversed().map(([t, , low]) => [t, low])]);
      ctx.globalAlpha = 0.15;
      ctx.fillStyle = ink;
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.beginPath();
      path(points);
      ctx.setLineDash([6, 4]);
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.strokeStyle = ink;
      ctx.stroke();
    }
  });

  const marked = (live) => (plot) => inside(plot, (ctx, _box, x, y) => {
    const size = 4 * devicePixelRatio;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    let last = [-1e9, -1e9];
    for (const [t, value, isFailed] of live.series.doubts ?? []) {
      const [left, top] = [x(t), y(value)];
      if (Math.hypot(left - last[0], top - last[1]) < 2.2 * size) continue;
      last = [left, top];
      ctx.beginPath();
      if (isFailed) {
        ctx.moveTo(left - size, top - size); ctx.lineTo(left + size, top + size);
        ctx.moveTo(left + size, top - size); ctx.lineTo(left - size, top + size);
      } else {
        ctx.moveTo(left, top - size); ctx.lineTo(left + size, top + size); ctx.lineTo(left - size, top + size); ctx.closePath();
      }
      ctx.strokeStyle = colour(isFailed ? "bad" : "doubt", "#7a4b00");
      ctx.stroke();
    }
    ctx.fillStyle = colour("ink", "#10201c");
    for (const [t, value] of live.series.hand ?? []) {
      const [left, top] = [x(t), y(value)];
      ctx.beginPath();
      ctx.moveTo(left, top - size); ctx.lineTo(left + size, top); ctx.lineTo(left, top + size); ctx.lineTo(left - size, top);
      ctx.fill();
    }
  });

  // Each line is joined on time. A null of its own is a gap, as wide as the line is silent
  // (2: the null spreads over the times that only other lines have); a time that it merely
  // lacks is not.
  const joined = (series) =>
    series.lines.length
      ? uPlot.join(
          series.lines.map((line) => [line.t, line.max, line.mean, line.min]),
          series.lines.map(() => [0, 2, 2, 2]),
        )
      : [series.hand.map(([t]) => t), series.hand.map(([, value]) => value)];

  // The period, what is forecast behind it, or what was zoomed into.
  const wholeOf = (series) => {
    const ahead = (series.ahead ?? []).map(({ points }) => points.at(-1)[0]);
    return [seconds(series.start), Math.max(seconds(series.end), ...ahead)];
  };

  // Values in view, with the limits that are not far from them.
  const heights = (live) => (_plot, low, high) => {
    const [from, to] = live.view ?? wholeOf(live.series);
    const isIn = ([t]) => t >= from && t <= to;
    const others = [
      ...(live.series.hand ?? []).filter(isIn).map(([, value]) => value),
      ...(live.series.ahead ?? []).flatMap(({ points }) => points.filter(isIn).flatMap(([, , least, most]) => [least, most])),
    ];
    const values = [low, high, ...others].filter((value) => value != null);
    if (!values.length) return [0, 1];
    const [bottom, top] = [Math.min(...values), Math.max(...values)];
    const reach = Math.max(top - bottom, REACH * Math.abs(top));
    const held = (live.series.limits ?? []).filter(({ start, end }) => (start ?? from) <= to && (end ?? to) >= from);
    const near = held.map((one) => one.value).filter((value) => value >= bottom - reach && value <= top + reach);
    const [least, most] = [Math.min(bottom, ...near), Math.max(top, ...near)];
    const room = (most - least) * 0.08 || Math.max(Math.abs(most) * 0.02, 0.1);
    return [least - room, most + room];
  };

  const options = (figure, live, width, height) => {
    const lines = [{}];
    const bands = [];
    live.series.lines.forEach((line, index) => {
      const ink = colour(`l${index % 4}`, "#0b5cad");
      const edge = { stroke: "transparent", points: { show: false }, spanGaps: false };
      lines.push({ ...edge, label: `${line.label} max` });
      lines.push({ label: line.label, stroke: ink, width: 2, spanGaps: false, dash: DASHES[index % DASHES.length], points: { show: false } });
      lines.push({ ...edge, label: `${line.label} min` });
      bands.push({ series: [3 * index + 1, 3 * index + 3], fill: `${ink}22` });
    });
    if (!bands.length) lines.push({ label: "◆", stroke: "transparent", points: { show: false } });
    const range = () => live.view ?? wholeOf(live.series);
    const isLong = () => range()[1] - range()[0] > 49 * HOUR_S;
    const soft = colour("soft", "#45544f");
    const axis = { stroke: soft, font: "12px system-ui", grid: { stroke: colour("line", "#d7dfdb"), width: 1 }, ticks: { show: false } };
    return {
      width, height, series: lines, bands, padding: [6, 18, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: true, range }, y: { range: heights(live) } },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), ZONE),
      axes: [
        { ...axis, size: 22, gap: 3, space: 56, values: (_plot, ticks) => ticks.map((tick) => (isLong() ? dayOf : clock).format(tick * 1000)) },
        { ...axis, size: 40, gap: 4, space: 20, values: (_plot, ticks) => ticks.map((tick) => number.format(tick)) },
      ],
      hooks: {
        drawClear: [shaded(live), hatched(live), limited(live)],
        draw: [forecast(live), marked(live)],
        setCursor: [(plot) => point(plot, live.series)],
        setSelect: [(plot) => {
          const { left, width: wide } = plot.select;
          if (wide > 8) look(figure, plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
      },
    };
  };

  // What the finger or mouse points at, in words under the chart.
  const point = (plot, series) => {
    const index = plot.cursor.idx;
    const words = plot.root.nextElementSibling;
    if (!words) return;
    if (index == null) { words.textContent = "\u00a0"; return; }
    const at = plot.data[0][index];
    const told = series.lines.map((line, i) => {
      const value = plot.data[3 * i + 2][index];
      return value == null ? null : `${line.label} ${number.format(value)} ${series.unit_of_measure}`.trim();
    });
    const near = 8 * (plot.posToVal(1, "x") - plot.posToVal(0, "x"));
    for (const [t, value] of series.hand ?? []) {
      if (Math.abs(t - at) <= near) told.push(`◆ ${number.format(value)} ${series.unit_of_measure}`.trim());
    }
    words.textContent = `${clock.format(at * 1000)} ${dayOf.format(at * 1000)}: ${told.filter(Boolean).join(" · ") || "–"}`;
  };

  const heightFor = (width) => Math.max(140, Math.min(220, Math.round(width * 0.42)));

  // The address of what is in view: the finest period that holds it.
  const addressOf = (figure, view) => {
    const address = new URL(figure.dataset.source, location.href);
    if (view) {
      const wanted = PERIODS_H.find((hours) => hours * HOUR_S >= view[1] - view[0]) ?? PERIODS_H.at(-1);
      if (wanted < Number(address.searchParams.get("hours"))) {
        address.searchParams.set("hours", String(wanted));
        address.searchParams.set("until", new Date(view[1] * 1000).toISOString());
      }
    }
    return address;
  };

  const draw = async (figure) => {
    const known = plots.get(figure);
    const view = known?.live.view ?? null;
    const answer = await fetch(addressOf(figure, view), { signal: AbortSignal.timeout(20000) });
    if (!answer.ok) return;
    const series = await answer.json();
    if ((known?.live.view ?? null) !== view) return; // looked elsewhere meanwhile
    if (!series.lines.length && !(series.hand ?? []).length) return;
    const shape = series.lines.map((line) => line.label).join("\n");
    if (known && known.shape === shape) {
      known.live.series = series;
      if (!view) known.live.whole = wholeOf(series);
      known.plot.setData(joined(series));
      return;
    }
    show(figure, series, shape, view);
  };

  const show = (figure, series, shape, view) => {
    const known = plots.get(figure);
    const place = figure.querySelector(".plot");
    const width = place.clientWidth;
    const live = { series, view, whole: known?.live.whole ?? wholeOf(series) };
    if (known) known.plot.destroy();
    place.replaceChildren();
    const plot = new uPlot(options(figure, live, width, heightFor(width)), joined(series), place);
    const words = document.createElement("p");
    words.className = "note pointed";
    words.textContent = "\u00a0";
    plot.root.after(words);
    figure.plot = plot;
    plots.set(figure, { plot, shape, live });
    touch(figure, plot);
    if (figure.dataset.zoom && !figure.querySelector(".zoom")) place.after(buttons(figure));
    tell(figure);
  };

  // Zooming: by the buttons, by drawing a stretch with the mouse, or by two fingers.
  const tell = (figure) => {
    const view = plots.get(figure).live.view;
    figure.dataset.view = view ? view.map(Math.round).join("-") : "";
    for (const button of figure.querySelectorAll(".zoom [data-needs-view]")) button.disabled = !view;
  };

  let asked = 0;
  const look = (figure, from, to) => {
    const { plot, live } = plots.get(figure);
    const [first, last] = live.whole;
    const width = Math.min(Math.max(to - from, SHORTEST_S), last - first);
    const start = Math.min(Math.max((from + to - width) / 2, first), last - width);
    live.view = width >= last - first ? null : [start, start + width];
    tell(figure);
    plot.setData(plot.data); // the scales ask again what is in view
    clearTimeout(asked);
    asked = setTimeout(() => quietly(figure), 250);
  };

  const step = (figure, { by = 1, shift = 0 }) => {
    const { live } = plots.get(figure);
    const [from, to] = live.view ?? live.whole;
    const width = (to - from) * by;
    const middle = (from + to) / 2 + shift * (to - from);
    look(figure, middle - width / 2, middle + width / 2);
  };

  const buttons = (figure) => {
    const [zoomIn, zoomOut, earlier, later, whole] = JSON.parse(figure.dataset.zoom);
    const row = document.createElement("p");
    row.className = "zoom";
    const add = (sign, name, needsView, act) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button", textContent: sign, title: name });
      button.setAttribute("aria-label", name);
      if (needsView) button.dataset.needsView = "yes";
      button.addEventListener("click", act);
      row.append(button);
    };
    add("+", zoomIn, false, () => step(figure, { by: 0.5 }));
    add("−", zoomOut, true, () => step(figure, { by: 2 }));
    add("‹", earlier, true, () => step(figure, { shift: -0.5 }));
    add("›", later, true, () => step(figure, { shift: 0.5 }));
    add("↔", whole, true, () => look(figure, ...plots.get(figure).live.whole));
    return row;
  };

  const touch = (figure, plot) => {
    const fingers = new Map();
    let start = null;
    const over = plot.over;
    over.style.touchAction = "pan-y"; // up and down still scrolls the page
    const begin = () => {
      const { live } = plots.get(figure);
      start = { view: live.view ?? live.whole, at: [...fingers.values()], isZoomed: Boolean(live.view) };
    };
    over.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch") return;
      fingers.set(event.pointerId, event.offsetX);
      begin();
    });
    over.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId) || !start) return;
      fingers.set(event.pointerId, event.offsetX);
      const now = [...fingers.values()];
      const [from, to] = start.view;
      const perPixel = (to - from) / over.clientWidth;
      if (now.length === 1 && start.isZoomed) {
        const moved = (start.at[0] - now[0]) * perPixel;
        look(figure, from + moved, to + moved);
      } else if (now.length === 2) {
        const ratio = Math.abs(start.at[1] - start.at[0]) / Math.max(Math.abs(now[1] - now[0]), 10);
        const middle = from + ((start.at[0] + start.at[1]) / 2) * perPixel;
        look(figure, middle - ((to - from) * ratio) / 2, middle + ((to - from) * ratio) / 2);
      }
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      over.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (fingers.size) begin();
      });
    }
    over.addEventListener("dblclick", () => look(figure, ...plots.get(figure).live.whole));
  };

  const quietly = (figure) => draw(figure).catch(() => {});
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      entry.target.dataset.seen = "1";
      seen.unobserve(entry.target);
      quietly(entry.target);
    }
  }, { rootMargin: "200px" });
  for (const figure of document.querySelectorAll("figure.chart")) seen.observe(figure);

  let count = 0;
  document.addEventListener("greenwater:news", () => {
    count += 1;
    if (count % 3) return;
    for (const figure of document.querySelectorAll("figure.chart[data-seen]")) quietly(figure);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [figure, { live, shape }] of plots) show(figure, live.series, shape, live.view);
  });
  let resized = 0;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      for (const [figure, { plot }] of plots) {
        const width = figure.querySelector(".plot").clientWidth;
        plot.setSize({ width, height: heightFor(width) });
      }
    }, 200);
  });
})();
