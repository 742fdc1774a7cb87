// Draws charts with uPlot in place of the drawings that came with the page.
(() => {
  "use strict";
  const COLOURS = ["#0b5cad", "#b4480a", "#157347", "#7a3e9d"];
  const DASHES = [[], [6, 3], [2, 3], []];
  const ZONE = "Asia/Ho_Chi_Minh";
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 2 });
  const clock = new Intl.DateTimeFormat("vi-VN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
  const dayOf = new Intl.DateTimeFormat("vi-VN", { timeZone: ZONE, day: "2-digit", month: "2-digit" });
  const plots = new Map();

  const hatched = (gaps) => (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = "#dfe3e1";
    ctx.strokeStyle = "#9aa5a0";
    for (const gap of gaps()) {
      const left = plot.valToPos(gap.start, "x", true);
      const width = Math.max(plot.valToPos(gap.end, "x", true) - left, 2);
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.beginPath();
      for (let x = left - bbox.height; x < left + width; x += 9) {
        ctx.moveTo(Math.max(x, left), bbox.top + bbox.height - Math.max(left - x, 0));
        const end = Math.min(x + bbox.height, left + width);
        ctx.lineTo(end, bbox.top + bbox.height - (end - x));
      }
      ctx.stroke();
    }
    ctx.restore();
  };

  // Each line is joined on time. A null of its own is a gap, as wide as the line is silent
  // (2: the null spreads over the times that only other lines have); a time that it merely
  // lacks is not.
  const joined = (series) =>
    uPlot.join(
      series.lines.map((line) => [line.t, line.max, line.mean, line.min]),
      series.lines.map(() => [0, 2, 2, 2]),
    );

  const options = (live, width, height) => {
    const { series } = live;
    const lines = [{}];
    const bands = [];
    series.lines.forEach((line, index) => {
      const colour = COLOURS[index % COLOURS.length];
      const edge = { stroke: "transparent", points: { show: false }, spanGaps: false };
      lines.push({ ...edge, label: `${line.label} max` });
      lines.push({
        label: line.label, stroke: colour, width: 2, spanGaps: false,
        dash: DASHES[index % DASHES.length], points: { show: false },
      });
      lines.push({ ...edge, label: `${line.label} min` });
      const at = 3 * index;
      bands.push({ series: [at + 1, at + 3], fill: `${colour}22` });
    });
    const range = () => [Date.parse(live.series.start) / 1000, Date.parse(live.series.end) / 1000];
    const isLong = range()[1] - range()[0] > 49 * 3600;
    const gaps = () => live.series.lines.flatMap((line) => line.gaps);
    const axis = { stroke: "#45544f", font: "12px system-ui", grid: { stroke: "#d7dfdb", width: 1 }, ticks: { show: false } };
    return {
      width, height, series: lines, bands, padding: [6, 18, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: true, range } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
      axes: [
        { ...axis, size: 22, gap: 3, space: 56, values: (_plot, ticks) => ticks.map((tick) => (isLong ? dayOf : clock).format(tick * 1000)) },
        { ...axis, size: 40, gap: 4, space: 20, values: (_plot, ticks) => ticks.map((tick) => number.format(tick)) },
      ],
      hooks: { drawClear: [hatched(gaps)], setCursor: [(plot) => point(plot, live.series)] },
    };
  };

  // What the finger or mouse points at, in words under the chart.
  const point = (plot, series) => {
    const index = plot.cursor.idx;
    const words = plot.root.nextElementSibling;
    if (!words) return;
    if (index == null) { words.textContent = "\u00a0"; return; }
    const at = plot.data[0][index] * 1000;
    const told = series.lines.map((line, i) => {
      const value = plot.data[3 * i + 2][index];
      return value == null ? null : `${line.label} ${number.format(value)} ${series.unit_of_measure}`.trim();
    }).filter(Boolean);
    words.textContent = `${clock.format(at)} ${dayOf.format(at)}: ${told.join(" · ") || "–"}`;
  };

  const heightFor = (width) => Math.max(120, Math.min(200, Math.round(width * 0.36)));

  const draw = async (figure) => {
    const answer = await fetch(figure.dataset.source, { signal: AbortSignal.timeout(20000) });
    if (!answer.ok) return;
    const series = await answer.json();
    if (!series.lines.length) return;
    const shape = series.lines.map((line) => line.label).join("\n");
    const known = plots.get(figure);
    if (known && known.shape === shape) {
      known.live.series = series;
      known.plot.setData(joined(series));
      return;
    }
    const place = figure.querySelector(".plot");
    const width = place.clientWidth;
    const live = { series };
    if (known) known.plot.destroy();
    place.replaceChildren();
    const plot = new uPlot(options(live, width, heightFor(width)), joined(series), place);
    const words = document.createElement("p");
    words.className = "note pointed";
    words.textContent = "\u00a0";
    plot.root.after(words);
    figure.plot = plot;
    plots.set(figure, { plot, shape, live });
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
