// The values behind the figures: under the pointer, or by the arrow keys.

const hovers = JSON.parse(document.getElementById("hover").textContent);
const near = 28; // pixels

for (const [name, data] of Object.entries(hovers)) {
  const canvas = document.querySelector("#" + CSS.escape("figure-" + name) + " .canvas");
  if (!canvas || !(data.series.length || data.grids.length)) continue;
  const sheet = canvas.firstElementChild;
  const tip = document.createElement("div");
  tip.className = "tip";
  const mark = document.createElement("div");
  mark.className = "mark";
  const live = document.createElement("div");
  live.className = "unseen";
  live.setAttribute("role", "status");
  tip.hidden = mark.hidden = true;
  sheet.append(mark, tip);
  canvas.after(live);
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "figure");
  canvas.setAttribute("aria-label", canvas.getAttribute("aria-label") +
    " The arrow keys walk through its values.");
  canvas.dataset.keys = "walk";
  canvas.tabIndex = 0;

  // Rows of places to walk along: a series' points, a grid's cells.
  const walks = [
    ...data.series.map((series) => series.points.map(([left, top, x, y]) => ({
      left, top, lines: [
        [series.panel, series.name].filter(Boolean).join(": "),
        (series.x ? series.x + ": " : "") + x, (series.y ? series.y + ": " : "") + y],
    }))),
    ...data.grids.flatMap((grid) => grid.values.map((_, row) =>
      grid.columns.map((_, column) => inGrid(grid, row, column)))),
  ].filter((walk) => walk.length);
  const points = walks.slice(0, data.series.length).flat();

  function inGrid(grid, row, column) {
    const [left, top, width, height] = grid.box;
    return {
      left: left + (column + 0.5) * width / grid.columns.length,
      top: top + (row + 0.5) * height / grid.rows.length,
      lines: [grid.panel, grid.rows[row] + ", " + grid.columns[column],
        String(grid.values[row][column])],
    };
  }

  function cellUnder(x, y) {
    for (const grid of data.grids) {
      const [left, top, width, height] = grid.box;
      const row = Math.floor((y - top) / height * grid.rows.length);
      const column = Math.floor((x - left) / width * grid.columns.length);
      if (row >= 0 && row < grid.rows.length && column >= 0 && column < grid.columns.length) {
        return inGrid(grid, row, column);
      }
    }
    return null;
  }

  function show(place) {
    tip.replaceChildren(...place.lines.filter(Boolean).map((line, at) => {
      const row = document.createElement("div");
      row.textContent = line;
      if (at === 0) row.className = "head";
      return row;
    }));
    tip.hidden = mark.hidden = false;
    tip.style.left = tip.style.top = "0"; // measured where it has room
    const left = place.left * sheet.clientWidth, top = place.top * sheet.clientHeight;
    const from = canvas.scrollLeft, to = from + canvas.clientWidth - tip.offsetWidth;
    mark.style.left = left + "px";
    mark.style.top = top + "px";
    tip.style.left = Math.max(from, Math.min(left + 12, to)) + "px";
    tip.style.top = (top > tip.offsetHeight + 14 ? top - tip.offsetHeight - 10 : top + 14) + "px";
  }

  function hide() {
    tip.hidden = mark.hidden = true;
  }

  function under(event) {
    const box = sheet.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = cellUnder(x / box.width, y / box.height), distance = near * near;
    if (!best) {
      for (const point of points) {
        const far = (point.left * box.width - x) ** 2 + (point.top * box.height - y) ** 2;
        if (far < distance) [best, distance] = [point, far];
      }
    }
    if (best) show(best);
    else hide();
  }

  canvas.addEventListener("pointermove", under);
  canvas.addEventListener("pointerdown", under);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
  document.addEventListener("pointerdown", (event) => { if (!canvas.contains(event.target)) hide(); });
  canvas.addEventListener("blur", hide);

  let walk = 0, at = -1;
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] || 0;
    const jump = { ArrowDown: 1, ArrowUp: -1 }[event.key] || 0;
    if (!step && !jump) return undefined;
    event.preventDefault();
    if (at >= 0) walk = Math.max(0, Math.min(walks.length - 1, walk + jump));
    at = Math.max(0, Math.min(walks[walk].length - 1, at < 0 ? 0 : at + step));
    const place = walks[walk][at];
    const left = place.left * sheet.clientWidth; // on a phone the figure is wider than the screen
    if (left < canvas.scrollLeft || left > canvas.scrollLeft + canvas.clientWidth) {
      canvas.scrollLeft = left - canvas.clientWidth / 2;
    }
    show(place);
    live.textContent = place.lines.filter(Boolean).join(", ");
    return undefined;
  });
}
