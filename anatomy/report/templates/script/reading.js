// Finding one's way: the contents follow the reader, links unfold what they lead into, the ledger
// shows the verdicts that are asked for; and light or dark.

const contents = document.querySelector(".contents details");
const place = contents.querySelector(".place");
const wide = matchMedia("(min-width: 72rem)");
const entries = [...contents.querySelectorAll("a")].map((link) =>
  ({ link, target: document.getElementById(link.hash.slice(1)) }));

let shownNow = null;

function follow() {
  const eye = innerHeight / 3;
  let now = null;
  for (const entry of entries) {
    const { top, height } = entry.target.getBoundingClientRect();
    if (height && top <= eye) now = entry; // what is hidden has no height
  }
  const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  if (end && scrollY > 0) now = entries.at(-1);
  if (now === shownNow) return;
  shownNow = now;
  contents.querySelectorAll("[aria-current]").forEach((a) => a.removeAttribute("aria-current"));
  contents.querySelectorAll(".here").forEach((item) => item.classList.remove("here"));
  place.textContent = now ? now.link.textContent : "";
  if (!now) return;
  now.link.setAttribute("aria-current", "true");
  for (let item = now.link.parentElement; item.matches("li"); item = item.parentElement.parentElement) {
    item.classList.add("here");
  }
}

let asked = false;
addEventListener("scroll", () => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    follow();
  });
}, { passive: true });

// Beside the text the contents are always open; above it they open on demand.
function settle() {
  contents.open = wide.matches;
  follow();
}
wide.addEventListener("change", settle);
const close = () => { if (!wide.matches) contents.open = false; };
contents.addEventListener("click", (event) => { if (event.target.closest("a")) close(); });
contents.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && contents.open && !wide.matches) {
    close();
    contents.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => { if (!contents.contains(event.target)) close(); });
settle();

// --- the ledger ---------------------------------------------------------------------------

const claims = [...document.querySelectorAll(".entry")];

function choice(text, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = text;
  button.addEventListener("click", press);
  return button;
}

function sieve(ledger) {
  const verdicts = ["", "contradicts", "undecided", "holds"];
  const bar = document.createElement("div");
  bar.className = "sieve";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Claims shown");
  const buttons = verdicts.map((verdict) => {
    const count = claims.filter((claim) => !verdict || claim.dataset.verdict === verdict).length;
    const button = choice((verdict || "all") + " " + count, () => pick(verdict));
    button.dataset.verdict = verdict;
    return button;
  });
  const fold = choice("Unfold all", () => {
    const open = !shown().every((claim) => claim.open);
    shown().forEach((claim) => { claim.open = open; });
    name();
  });
  fold.classList.add("fold-all");
  bar.append(...buttons, fold);

  const shown = () => claims.filter((claim) => !claim.classList.contains("sieved"));
  function name() {
    fold.textContent = shown().every((claim) => claim.open) ? "Fold all" : "Unfold all";
  }
  function pick(verdict) {
    buttons.forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
    });
    claims.forEach((claim) => {
      claim.classList.toggle("sieved", verdict !== "" && claim.dataset.verdict !== verdict);
    });
    // A heading stays while a claim below it does.
    let heading = null;
    for (const element of ledger.children) {
      if (element.matches("h3")) {
        heading = element;
        heading.classList.add("sieved");
      } else if (heading && element.matches(".entry:not(.sieved)")) {
        heading.classList.remove("sieved");
      }
    }
    name();
    follow();
  }
  claims.forEach((claim) => claim.addEventListener("toggle", name));
  pick("");
  return { bar, pick };
}

let pickClaims = null;
if (claims.length) {
  const ledger = claims[0].parentElement;
  const made = sieve(ledger);
  pickClaims = made.pick;
  const index = ledger.querySelector(".made"); // all titles by verdict: the folded claims say it
  (index || claims[0]).before(made.bar);
  if (index) index.classList.add("sieved");
}

function unfold() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.classList.contains("sieved")) pickClaims("");
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    fold.open = true;
  }
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

// Browsers that cannot open folds by style alone get them open on paper all the same.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("main details:not([open])")];
  opened.forEach((fold) => { fold.open = true; });
});
addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

// --- light and dark -----------------------------------------------------------------------

const root = document.documentElement;
const button = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
function name() {
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", (isDark() ? "Light" : "Dark") + " colours");
}
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  name();
});
dark.addEventListener("change", name);
button.hidden = false;
name();
