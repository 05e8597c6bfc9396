"use strict";
// The search: every word must be in the name of a package or library, or in the path of a file.

const search = (() => {
  const MOST = 40;
  const field = document.getElementById("search");
  const list = document.getElementById("found");
  let chosen = -1;
  let things = [];

  function prepare() {
    const libraries = bundle.files.filter((file) => file.isLibrary);
    things = [
      ...bundle.owners.map((thing) => [thing, "package"]),
      ...libraries.map((thing) => [thing, "library"]),
      ...bundle.absent.map((thing) => [thing, thing.absent]),
      ...bundle.files.filter((file) => !file.isLibrary).map((thing) => [thing, bundle.kinds[thing.kind]]),
    ].map(([thing, what]) => ({ thing, what, name: thing.name.toLowerCase(), text: (thing.path || thing.name).toLowerCase() }));
  }

  // What fits, the best first: the name itself, names that begin so, names that have it, paths.
  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) {
      return [];
    }
    if (!things.length) {
      prepare();
    }
    const ranks = [[], [], [], []];
    for (const each of things) {
      if (words.every((word) => each.text.includes(word))) {
        const rank = each.name === words[0] ? 0 : each.name.startsWith(words[0]) ? 1 : each.name.includes(words[0]) ? 2 : 3;
        ranks[rank].push(each);
      }
    }
    return ranks.flat();
  }

  function show() {
    const found = find(field.value);
    chosen = -1;
    field.removeAttribute("aria-activedescendant");
    const options = found.slice(0, MOST).map(({ thing, what }, number) =>
      element(
        "li",
        { role: "option", id: `found-${number}`, "aria-selected": "false", "data-address": thing.address },
        element("bdi", { class: "name" }, thing.path || thing.name),
        element("span", { class: "quiet" }, ` ${what}${thing.size ? `, ${readableSize(thing.size)}` : ""}`),
      ),
    );
    if (found.length > MOST) {
      options.push(element("li", { class: "quiet" }, `and ${(found.length - MOST).toLocaleString("en")} more`));
    } else if (!found.length && field.value.trim()) {
      options.push(element("li", { class: "quiet" }, "nothing has all these words"));
    }
    fill(list, ...options);
    open(options.length > 0);
  }

  function open(isOpen) {
    list.hidden = !isOpen;
    field.setAttribute("aria-expanded", String(isOpen));
  }

  function choose(step) {
    const options = [...list.querySelectorAll("[role=option]")];
    if (!options.length) {
      return;
    }
    options[chosen]?.setAttribute("aria-selected", "false");
    chosen = (chosen + step + options.length) % options.length;
    options[chosen].setAttribute("aria-selected", "true");
    options[chosen].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", options[chosen].id);
  }

  function go(option) {
    if (option) {
      open(false);
      field.blur();
      location.hash = option.dataset.address;
    }
  }

  function onKey(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1);
    } else if (event.key === "Enter") {
      go(list.querySelectorAll("[role=option]")[Math.max(chosen, 0)]);
    } else if (event.key === "Escape") {
      open(false);
      field.blur();
    }
  }

  function start() {
    field.addEventListener("input", show);
    field.addEventListener("focus", () => field.value && show());
    field.addEventListener("keydown", onKey);
    field.addEventListener("blur", () => open(false));
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus until the choice is made
    list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  }

  return { start, focus: () => field.focus() };
})();
