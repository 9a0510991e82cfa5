// Tables that sort, and hints that a wide one scrolls.

function key(cell) {
  const text = cell ? cell.textContent.trim() : "";
  const number = /^[-+−]?[\d,]*\.?\d+/.exec(text);
  return number ? Number(number[0].replace(/,/g, "").replace("−", "-")) *
    (/^[\d.,]+ M\b/.test(text) ? 1e6 : 1) : text;
}

// The cell that stands in a column, also where it spans several.
function cellAt(row, column) {
  let at = 0;
  for (const cell of row.cells) {
    at += cell.colSpan;
    if (at > column) return cell;
  }
  return undefined;
}

// Words, and nothing, come after numbers, whichever way the numbers go.
function compare(a, b, sign) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  // Sums and unions keep their place, and the rows between two of them stay there. What the paper
  // says stays below its row; below the whole table where it is said once.
  const once = body.querySelectorAll(".paper").length === 1;
  const parts = [[]]; // of blocks of rows; a block that is alone in its part stays where it is
  for (const row of body.rows) {
    const below = row.className === "paper" && !once && parts.at(-1).length;
    if (below) parts.at(-1).at(-1).push(row);
    else if (row.className) parts.push([[row]], []);
    else parts.at(-1).push([row]);
  }
  if (!parts.some((part) => part.length > 1)) continue;
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
      const sign = order === "descending" ? -1 : 1;
      const of = (rows) => key(cellAt(rows[0], column));
      const sorted = order === "none" ? parts
        : parts.map((part) => [...part].sort((a, b) => compare(of(a), of(b), sign)));
      body.append(...sorted.flat(2));
    });
  });
}

// What scrolls says so: by fading out where there is more, and by taking the keyboard's focus.
function hint(scroller) {
  const beyond = scroller.scrollWidth - scroller.clientWidth;
  const more = [];
  if (scroller.scrollLeft > 1) more.push("left");
  if (beyond - scroller.scrollLeft > 1) more.push("right");
  const caption = scroller.querySelector("caption"); // stays, and stays clear
  if (caption) scroller.style.setProperty("--caption", caption.offsetHeight + "px");
  if (more.length) scroller.dataset.more = more.join(" ");
  else delete scroller.dataset.more;
  if (beyond > 1 || scroller.dataset.keys) scroller.tabIndex = 0;
  else scroller.removeAttribute("tabindex");
}

const resized = new ResizeObserver((entries) => entries.forEach((entry) => hint(entry.target)));
for (const scroller of document.querySelectorAll(".scroll, .canvas")) {
  scroller.addEventListener("scroll", () => hint(scroller), { passive: true });
  resized.observe(scroller);
}
