"use strict";
// The page stands without this script. It adds: another context length, tables that sort, the
// values behind the figures, and a choice between light and dark.
(function () {
  const root = document.documentElement;

  // --- numbers, in the words of the tables -------------------------------------------------

  // As Python rounds: to the nearest, and of two equally near ones to the even one.
  function fixed(value, digits) {
    const exact = value.toFixed(60);
    const point = exact.indexOf(".");
    const kept = exact.slice(0, point + 1 + digits);
    const tie = /^50*$/.test(exact.slice(point + 1 + digits));
    const even = Number(kept[kept.length - 1]) % 2 === 0;
    return tie && even ? kept : value.toFixed(digits);
  }

  function significant(value, digits) {
    const number = Number(value.toPrecision(digits));
    const text = String(number);
    return text.includes("e") ? number.toFixed(20).replace(/0+$/, "") : text;
  }

  function percent(share) {
    if (share === 0) return "0 %";
    let text = fixed(100 * share, 1);
    if (text === "0.0") text = significant(100 * share, 2);
    if (share < 1 && text === "100.0") text = significant(100 * share, 6);
    return text + " %";
  }

  // --- one context length ------------------------------------------------------------------

  // Every share follows from how many prompts have how many tokens.
  function shares(histogram, length) {
    let prompts = 0, tokens = 0, kept = 0, squares = 0, longer = 0;
    for (const [size, count] of histogram) {
      const used = Math.min(size, length);
      prompts += count;
      tokens += size * count;
      kept += used * count;
      squares += used * used * count;
      if (size > length) longer += count;
    }
    const density = kept / (length * prompts);
    return {
      density: density,
      padding: 1 - density,
      quadratic: 1 - squares / (length * length * prompts),
      truncated: longer / prompts,
      lost: (tokens - kept) / Math.max(tokens, 1),
    };
  }

  for (const explorer of document.querySelectorAll(".explorer")) {
    const groups = JSON.parse(explorer.querySelector("script").textContent).groups;
    const bound = Number(explorer.dataset.bound);
    const slider = explorer.querySelector("input");
    const output = explorer.querySelector("output");
    const verdict = explorer.querySelector(".verdict");
    const caption = explorer.querySelector("caption span");
    const rows = explorer.querySelectorAll("tbody tr");
    const words = caption.textContent.split(/L = \d+/);

    function show() {
      const length = Number(slider.value);
      const over = [];
      groups.forEach(([name, histogram], at) => {
        const found = shares(histogram, length);
        const cells = rows[at].querySelectorAll("td");
        const texts = [fixed(found.density, 4), percent(found.padding), percent(found.quadratic),
          percent(found.truncated), percent(found.lost)];
        texts.forEach((text, column) => { cells[column].textContent = text; });
        rows[at].classList.toggle("over", found.lost > bound);
        if (found.lost > bound) over.push(name);
      });
      output.textContent = "L = " + length;
      slider.setAttribute("aria-valuetext", "L = " + length);
      caption.textContent = words.join("L = " + length);
      verdict.textContent = over.length
        ? "Cuts more than " + percent(bound) + " of the tokens of " + over.slice(0, 6).join(", ") +
          (over.length > 6 ? " and " + (over.length - 6) + " more" : "") + "."
        : "Keeps the bound of " + percent(bound) + " of the tokens, overall and in every source.";
      verdict.classList.toggle("over", over.length > 0);
    }
    slider.value = explorer.dataset.start; // a reload may have kept another
    slider.addEventListener("input", show);
    explorer.querySelector(".dial").hidden = false;
    show();
  }

  // --- tables that sort --------------------------------------------------------------------

  function key(cell) {
    const text = cell ? cell.textContent.trim() : "";
    const number = /^[-+−]?[\d,]*\.?\d+/.exec(text);
    return number ? Number(number[0].replace(/,/g, "").replace("−", "-")) *
      (/^[\d.,]+ M\b/.test(text) ? 1e6 : 1) : text;
  }

  function compare(a, b) {
    if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
    return typeof a === "number" ? -1 : 1; // words, and nothing, after numbers
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    // Sums and unions keep their place; what the paper says stays below its row.
    const pinned = (row) => row.className === "all" || row.className === "paper";
    const original = [...body.rows];
    if (original.filter((row) => !pinned(row)).length < 2) continue;
    if (original.some((row) => row.querySelector("[colspan]"))) continue; // cells out of line
    const blocks = [];
    for (const row of original) {
      if (row.className === "paper" && blocks.length && !pinned(blocks.at(-1)[0])) {
        blocks.at(-1).push(row);
      } else blocks.push([row]);
    }
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { none: "descending", descending: "ascending", ascending: "none" };
        const order = next[head.getAttribute("aria-sort") || "none"];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (order !== "none") head.setAttribute("aria-sort", order);
        const free = blocks.filter((block) => !pinned(block[0]));
        const sign = order === "descending" ? -1 : 1;
        const sorted = order === "none" ? free : [...free].sort((a, b) => {
          const [one, other] = [key(a[0].cells[column]), key(b[0].cells[column])];
          return typeof one === typeof other ? sign * compare(one, other) : compare(one, other);
        });
        let at = 0;
        body.append(...blocks.flatMap((block) => (pinned(block[0]) ? block : sorted[at++])));
      });
    });
  }

  // --- the values behind the figures -------------------------------------------------------

  const figures = JSON.parse(document.getElementById("hover").textContent);
  const near = 28; // pixels

  for (const figure of document.querySelectorAll("figure[data-hover]")) {
    const data = figures[figure.dataset.hover];
    if (!data || !(data.series.length || data.grids.length)) continue;
    const canvas = figure.querySelector(".canvas");
    const svg = canvas.querySelector("svg");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    const mark = document.createElement("div");
    mark.className = "mark";
    mark.hidden = true;
    const live = document.createElement("div");
    live.className = "unseen";
    live.setAttribute("role", "status");
    canvas.append(mark, tip);
    figure.append(live);
    const points = data.series.flatMap((series, at) =>
      series.points.map(([left, top, x, y]) => ({ left, top, at, lines: words(series, x, y) })));

    function words(series, x, y) {
      const head = [series.panel, series.name].filter(Boolean).join(": ");
      return [head, (series.x ? series.x + ": " : "") + x, (series.y ? series.y + ": " : "") + y];
    }

    function show(place, box) {
      tip.replaceChildren(...place.lines.filter(Boolean).map((line, at) => {
        const row = document.createElement("div");
        row.textContent = line;
        if (at === 0) row.className = "head";
        return row;
      }));
      tip.hidden = mark.hidden = false;
      const left = place.left * box.width, top = place.top * box.height;
      mark.style.left = left + "px";
      mark.style.top = top + "px";
      tip.style.left = Math.max(0, Math.min(left + 12, box.width - tip.offsetWidth)) + "px";
      tip.style.top = (top > tip.offsetHeight + 14 ? top - tip.offsetHeight - 10 : top + 14) + "px";
    }

    function hide() {
      tip.hidden = mark.hidden = true;
    }

    function inGrid(x, y) {
      for (const grid of data.grids) {
        const [left, top, width, height] = grid.box;
        const rows = grid.values.length, columns = grid.values[0].length;
        const row = Math.floor((y - top) / height * rows);
        const column = Math.floor((x - left) / width * columns);
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        return {
          left: left + (column + 0.5) * width / columns, top: top + (row + 0.5) * height / rows,
          lines: [grid.panel, grid.rows[row] + ", " + grid.columns[column],
            String(grid.values[row][column])],
        };
      }
      return null;
    }

    canvas.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = event.clientX - box.left, y = event.clientY - box.top;
      let best = inGrid(x / box.width, y / box.height), distance = near * near;
      if (!best) {
        for (const point of points) {
          const far = (point.left * box.width - x) ** 2 + (point.top * box.height - y) ** 2;
          if (far < distance) [best, distance] = [point, far];
        }
      }
      if (best) show(best, box);
      else hide();
    });
    canvas.addEventListener("pointerleave", hide);
    canvas.addEventListener("blur", hide);

    // The arrow keys walk along a series, and from one series to the next.
    let current = -1;
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const jump = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!points.length || (!step && !jump)) return undefined;
      event.preventDefault();
      if (current < 0) current = 0;
      else if (step) current = Math.max(0, Math.min(points.length - 1, current + step));
      else {
        const wanted = points[current].at + jump;
        const found = points.findIndex((point) => point.at === wanted);
        if (found >= 0) current = found;
      }
      show(points[current], svg.getBoundingClientRect());
      live.textContent = points[current].lines.filter(Boolean).join(", ");
      return undefined;
    });
  }

  // --- details that a link leads into, and light and dark ------------------------------------

  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const fold = target && target.closest("details");
    if (fold && !fold.open) {
      fold.open = true;
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();

  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  function name() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", "Show the page " + (isDark() ? "light" : "dark"));
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  button.hidden = false;
  name();
})();
