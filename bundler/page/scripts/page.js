"use strict";
// The page itself: light and dark, keys, printing; and where it all begins.

const THEMES = ["auto", "light", "dark"];
const DARK = matchMedia("(prefers-color-scheme: dark)");
const PAPER = { width: 620, height: 400 }; // pixels: pictures that fit A4 and Letter

// What is assigned as markup is refused by the policy of this page; the chart library empties its own elements by "".
window.trustedTypes?.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });

function remembered() {
  try {
    return localStorage.getItem("bundler-page-theme");
  } catch {
    return null; // a page from a file may have no memory
  }
}

function remember(theme) {
  try {
    localStorage.setItem("bundler-page-theme", theme);
  } catch {
    // the choice holds for this time
  }
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
  button.title = { auto: "as the system has it", light: "light", dark: "dark" }[theme];
  button.setAttribute("aria-label", `Colours: ${button.title}`);
}

// From what the system has to its opposite, so that the first press shows; then to the same by choice, and around.
function nextTheme() {
  const order = DARK.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
  const theme = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
  remember(theme);
  applyTheme(theme);
  redraw();
}

function redraw() {
  sizes.draw();
  graph.draw();
}

// On paper: all that was folded is open, as far as it is not endless, and the pictures have the colours of paper.
function prepareForPaper() {
  if (isOnPaper()) {
    return;
  }
  document.documentElement.dataset.paper = "yes";
  graph.open();
  document.querySelectorAll("main details:not([open])").forEach((one) => {
    one.open = true;
    one.dataset.opened = "for paper";
  });
  [sizes, graph].forEach((picture) => picture.resize(PAPER));
}

function afterPaper() {
  delete document.documentElement.dataset.paper;
  document.querySelectorAll("details[data-opened]").forEach((one) => {
    one.open = false;
    delete one.dataset.opened;
  });
  [sizes, graph].forEach((picture) => picture.resize({ width: "auto", height: "auto" }));
}

function onKey(event) {
  const isTyping = event.target.closest("input, select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    search.focus();
  } else if (event.key === "t") {
    nextTheme();
  } else if (event.key === "Backspace") {
    sizes.leave();
  }
}

function start() {
  applyTheme(THEMES.includes(remembered()) ? remembered() : "auto");
  document.querySelectorAll("[data-needs-scripts]").forEach((one) => one.removeAttribute("hidden"));
  document.getElementById("theme").addEventListener("click", nextTheme);
  document.addEventListener("keydown", onKey);
  enrichTables();
  const libraries = document.getElementById("library-table");
  document.getElementById("library-place")?.addEventListener("change", (event) => {
    libraries.place = event.target.value;
    showFirst(libraries);
  });
  sizes.start();
  graph.start();
  search.start();
  sections.start();
  details.start();
  DARK.addEventListener("change", redraw);
  window.addEventListener("beforeprint", prepareForPaper);
  window.addEventListener("afterprint", afterPaper);
  matchMedia("print").addEventListener("change", ({ matches }) => (matches ? prepareForPaper() : afterPaper()));
}

start();
