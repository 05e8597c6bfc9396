"use strict";
// Tables that are sorted by a click on a heading, and of which only the beginning is shown until somebody asks for all.

const FIRST_ROWS = 25;

function enrichTables() {
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll("table.long").forEach(shorten);
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = element("button", { type: "button" }, heading.textContent);
    button.addEventListener("click", () => {
      const descending = heading.getAttribute("aria-sort") !== "descending" && heading.classList.contains("number");
      const ascending = !descending && heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const direction = ascending ? 1 : -1;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => direction * compareCells(a.cells[column], b.cells[column]));
      table.tBodies[0].append(...rows);
      showFirst(table);
    });
    heading.replaceChildren(button);
  });
}

function compareCells(a, b) {
  const [one, other] = [a, b].map((cell) => cell.dataset.value ?? cell.textContent.trim());
  if (a.dataset.kind === "release") {
    return compareReleases(one, other);
  }
  return a.dataset.value === undefined ? one.localeCompare(other, "en") : Number(one) - Number(other);
}

function compareReleases(one, other) {
  const [a, b] = [one, other].map((text) => (text ? text.split(".").map(Number) : []));
  for (let place = 0; place < Math.max(a.length, b.length); place += 1) {
    const difference = (a[place] ?? -1) - (b[place] ?? -1);
    if (difference) {
      return difference;
    }
  }
  return 0;
}

// Show the beginning of a long table, and below it a button that shows the rest.
function shorten(table) {
  const button = element("button", { type: "button", class: "more", hidden: true });
  button.addEventListener("click", () => {
    table.dataset.whole = "yes";
    showFirst(table);
  });
  table.parentElement.after(button);
  table.more = button;
  showFirst(table);
}

function showFirst(table) {
  if (!table.more) {
    return;
  }
  const rows = [...table.tBodies[0].rows].filter((row) => {
    const isChosen = !table.place || row.dataset.place === table.place;
    row.classList.toggle("not-chosen", !isChosen);
    return isChosen;
  });
  const isWhole = table.dataset.whole || rows.length <= FIRST_ROWS + 5;
  rows.forEach((row, number) => row.classList.toggle("later", !isWhole && number >= FIRST_ROWS));
  table.more.hidden = Boolean(isWhole);
  table.more.textContent = `Show all ${rows.length.toLocaleString("en")}`;
}
