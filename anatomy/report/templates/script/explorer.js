// One context length: a slider for L moves the numbers of its table and a line on the figure.

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
  const found = {
    density: density,
    padding: 1 - density,
    quadratic: 1 - squares / (length * length * prompts),
    truncated: longer / prompts,
    lost: (tokens - kept) / Math.max(tokens, 1),
  };
  // findings.json holds six digits; from more the last one shown could be another.
  for (const name in found) found[name] = Number(significant(found[name], 6));
  return found;
}

// Where a context length lies on a figure: [panel's left edge by length, top, bottom] of each panel
// whose points are at lengths, found from two of its points.
function scales(figure) {
  const panels = new Map();
  for (const series of figure.series) {
    for (const [left, top, x] of series.points) {
      const length = Number(String(x).replace(/^L = /, ""));
      if (!Number.isInteger(length)) return [];
      if (!panels.has(series.panel)) panels.set(series.panel, []);
      panels.get(series.panel).push({ length, left, top });
    }
  }
  return [...panels.values()].flatMap((points) => {
    const first = points.reduce((a, b) => (b.length < a.length ? b : a));
    const last = points.reduce((a, b) => (b.length > a.length ? b : a));
    if (first.length === last.length) return [];
    const step = (last.left - first.left) / (last.length - first.length);
    const tops = points.map((point) => point.top);
    return [{
      at: (length) => first.left + (length - first.length) * step,
      longest: last.length, top: Math.min(...tops), bottom: Math.max(...tops),
    }];
  });
}

for (const explorer of document.querySelectorAll(".explorer")) {
  const groups = JSON.parse(explorer.querySelector("script").textContent).groups;
  const bound = Number(explorer.dataset.bound);
  const start = Number(explorer.dataset.start);
  const slider = explorer.querySelector("[type=range]");
  const number = explorer.querySelector("[type=number]");
  const back = explorer.querySelector("button");
  const output = explorer.querySelector("output");
  const verdict = explorer.querySelector(".verdict");
  const caption = explorer.querySelector("caption b");
  const rows = explorer.querySelectorAll("tbody tr");

  const sheet = document.querySelector("#" + explorer.dataset.figure + " .sheet");
  const lines = sheet ? scales(hovers[explorer.dataset.figure.slice("figure-".length)]) : [];
  for (const scale of lines) {
    scale.line = document.createElement("div");
    scale.line.className = "line";
    scale.line.style.top = 100 * scale.top + "%";
    scale.line.style.height = 100 * (scale.bottom - scale.top) + "%";
    sheet.append(scale.line);
  }

  function show(length) {
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
    output.textContent = caption.textContent = "L = " + length;
    slider.setAttribute("aria-valuetext", "L = " + length);
    slider.value = length;
    back.disabled = length === start;
    const text = over.length
      ? "Cuts more than " + percent(bound) + " of the tokens of " + over.slice(0, 6).join(", ") +
        (over.length > 6 ? " and " + (over.length - 6) + " more" : "") + "."
      : "Keeps the bound of " + percent(bound) + " of the tokens, overall and in every source.";
    if (verdict.textContent !== text) verdict.textContent = text; // said once, not at every step
    verdict.classList.toggle("over", over.length > 0);
    for (const scale of lines) {
      scale.line.hidden = length === start || length > scale.longest; // the figure marks the start
      scale.line.style.left = 100 * scale.at(length) + "%";
    }
  }

  slider.addEventListener("input", () => {
    number.value = slider.value;
    show(Number(slider.value));
  });
  number.addEventListener("input", () => {
    const length = Number(number.value);
    if (Number.isInteger(length) && number.validity.valid && number.value) show(length);
  });
  number.addEventListener("change", () => { number.value = slider.value; });
  back.addEventListener("click", () => {
    number.value = start;
    show(start);
    slider.focus(); // the button is disabled now
  });
  number.value = start; // a reload may have kept another
  explorer.querySelector(".dial").hidden = false;
  show(start);
}
