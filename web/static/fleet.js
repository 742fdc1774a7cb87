// Puts a map that moves in place of the drawing of the sea that came with the page.
(() => {
  "use strict";
  const place = document.getElementById("sea");
  if (!place || !window.L) return;
  const node = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const told = (name, lines, href) => {
    const box = node("div");
    const head = node("strong");
    const link = node(href ? "a" : "span", name);
    if (href) link.href = href;
    head.append(link);
    box.append(head);
    for (const line of lines) if (line) box.append(node("p", line));
    return box;
  };
  const json = (address) =>
    fetch(address).then((answer) => {
      if (!answer.ok) throw new Error(address);
      return answer.json();
    });

  Promise.all([json(place.dataset.source), json("/static/vendor/land/land.json")])
    .then(([sea, land]) => {
      const drawing = place.firstElementChild;
      place.classList.add("moving");
      const { tiles, credit } = place.dataset;
      const map = L.map(place, { attributionControl: Boolean(tiles), zoomControl: false, zoomSnap: 0.25, minZoom: 5, maxZoom: 14 });
      const [west, south, east, north] = sea.bounds;
      map.fitBounds([[south, west], [north, east]]);
      L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
      // The ground from elsewhere, where an operator named it; else the land that came along.
      map.attributionControl?.setPrefix(false);
      if (tiles) L.tileLayer(tiles, { attribution: node("i", credit).innerHTML }).addTo(map);
      else L.geoJSON(land, { interactive: false, className: "land", stroke: true, weight: 1 }).addTo(map);
      for (const name of ["coastal", "inshore"])
        L.polyline(sea.zones[name], { className: `zone ${name}`, weight: 2 }).bindTooltip(place.dataset[name], { sticky: true }).addTo(map);
      for (const { name, points } of sea.areas ?? [])
        L.polygon(points, { className: "zone area", weight: 1 }).bindTooltip(node("span", name), { sticky: true }).addTo(map);
      for (const { kind, points } of sea.tracks ?? [])
        L.polyline(points, { className: `track ${kind}`, weight: kind === "work" ? 4 : 2, interactive: false }).addTo(map);
      // Dots may lie close: fingers tap them, keyboards find the same in the page's list.
      const dots = (sea.spots ?? []).map(({ at, kind, text, told: [name, ...lines] }) =>
        L.circleMarker(at, { radius: 10, className: `spotdot ${kind}`, weight: 2 })
          .bindPopup(told(name, lines))
          .bindTooltip(node("span", text), { permanent: true, direction: "center", className: "spottext" })
          .addTo(map),
      );
      // A number that another would cover waits until the map is nearer.
      const tidy = () => {
        const shown = [];
        for (const dot of dots) {
          const at = map.latLngToContainerPoint(dot.getLatLng());
          const isFree = shown.every((one) => one.distanceTo(at) > 18);
          if (isFree) shown.push(at);
          dot[isFree ? "openTooltip" : "closeTooltip"]();
        }
      };
      const names = [];
      // So does a name: its boat still says it when it is touched.
      const part = () => {
        const shown = [];
        for (const boat of names) {
          boat.openTooltip();
          const own = boat.getTooltip().getElement().getBoundingClientRect();
          const isFree = shown.every((one) => own.right < one.left || one.right < own.left || own.bottom < one.top || one.bottom < own.top);
          if (isFree) shown.push(own);
          else boat.closeTooltip();
        }
      };
      map.on("zoomend moveend", () => { tidy(); part(); });
      tidy();
      for (const boat of sea.boats) {
        const mark = node("span", boat.mark);
        const icon = L.divIcon({ html: mark, className: `seamark ${boat.light}`, iconSize: [44, 44] });
        const marker = L.marker(boat.at, { icon, title: boat.name, alt: `${boat.name}: ${boat.told[0]}` })
          .bindTooltip(node("span", boat.name), { permanent: true, direction: "auto", offset: [8, 0] })
          .bindPopup(told(boat.name, boat.told, boat.href))
          .addTo(map);
        names.push(marker);
      }
      part();
      drawing.remove();
    })
    .catch(() => place.classList.remove("moving"));
})();
