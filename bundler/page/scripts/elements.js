"use strict";
// Elements made of texts, never of markup: a file's name may be anything.

function isOnPaper() {
  return document.documentElement.dataset.paper !== undefined;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") {
      made.addEventListener(key, value);
    } else if (value === true) {
      made.setAttribute(key, "");
    } else if (value !== false && value !== undefined && value !== null) {
      made.setAttribute(key, value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function fill(place, ...children) {
  place.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

function linkTo(thing, text) {
  return element("a", { class: "name", href: thing.address }, element("bdi", null, text || thing.path || thing.name));
}

function readableSize(bytes) {
  let value = bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (value < 1000) {
      return `${unit === "B" ? value : value.toFixed(1)} ${unit}`;
    }
    value /= 1000;
  }
  return `${value.toFixed(1)} GB`;
}

function share(part, whole) {
  const percent = whole ? (100 * part) / whole : 0;
  return `${percent.toFixed(1)} %`;
}

function plural(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}

// A text in the middle of which is left out what there is no room for: of a path both ends say something.
function shortened(text, most) {
  if (text.length <= most) {
    return text;
  }
  const head = Math.floor((most - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

// The value of a colour or size that the style sheet names.
function styled(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Black or white: what can be read on a colour (WCAG 2, relative luminance).
function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const part = parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#111111" : "#ffffff";
}
