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
  const told = (boat) => {
    const box = node("div");
    const link = node("a", boat.name);
    link.href = boat.href;
    box.append(node("strong"));
    box.firstChild.append(link);
    for (const line of boat.told) if (line) box.append(node("p", line));
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
      const map = L.map(place, { attributionControl: false, zoomControl: false, minZoom: 5, maxZoom: 14 });
      const [west, south, east, north] = sea.bounds;
      map.fitBounds([[south, west], [north, east]]);
      L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
      L.geoJSON(land, { interactive: false, className: "land", stroke: true, weight: 1 }).addTo(map);
      for (const name of ["coastal", "inshore"])
        L.polyline(sea.zones[name], { className: `zone ${name}`, weight: 2 }).bindTooltip(place.dataset[name], { sticky: true }).addTo(map);
      for (const track of sea.tracks || []) L.polyline(track, { className: "track", weight: 2, interactive: false }).addTo(map);
      for (const boat of sea.boats) {
        const mark = node("span", boat.mark);
        const icon = L.divIcon({ html: mark, className: `seamark ${boat.light}`, iconSize: [44, 44] });
        L.marker(boat.at, { icon, title: boat.name, alt: `${boat.name}: ${boat.told[0]}` })
          .bindTooltip(node("span", boat.name), { permanent: true, direction: "right", offset: [-6, 0] })
          .bindPopup(told(boat))
          .addTo(map);
      }
      drawing.remove();
    })
    .catch(() => place.classList.remove("moving"));
})();
