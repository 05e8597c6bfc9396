"use strict";
// What there is to say of one file, package or library: what it is, why it is there, what it needs. It opens for an address.

const details = (() => {
  const FIRST = 30;
  const dialog = document.getElementById("details");
  const place = document.getElementById("details-content");

  function facts(pairs) {
    const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
    return element("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [element("dt", null, name), element("dd", null, value)]));
  }

  // A list, of which the rest is shown when somebody asks.
  function listOf(things, line) {
    const list = element("ul", { class: "names" });
    const show = (from, to) => list.append(...things.slice(from, to).map((thing) => element("li", null, ...line(thing))));
    show(0, FIRST);
    if (things.length <= FIRST) {
      return list;
    }
    const more = element("button", { type: "button", class: "more" }, `Show all ${things.length.toLocaleString("en")}`);
    more.addEventListener("click", () => {
      show(FIRST, things.length);
      more.remove();
    });
    return element("div", null, list, more);
  }

  function heading(text) {
    return element("h3", null, text);
  }

  // Who needs a library, who needs those, and so on: opened step by step. What was seen on the way is not opened again.
  function needers(thing, seen = new Set([thing])) {
    const users = [...thing.neededBy].sort((a, b) => (a.path < b.path ? -1 : 1));
    return listOf(users, (file) => {
      const line = [linkTo(file), element("span", { class: "quiet" }, ` of ${bundle.owners[file.owner].name}`)];
      if (!file.neededBy.length || seen.has(file)) {
        return line;
      }
      const inner = element("details", null, element("summary", null, `needed by ${plural(file.neededBy.length, "file")}`));
      inner.addEventListener("toggle", () => inner.children.length < 2 && inner.append(needers(file, new Set([...seen, file]))), { once: true });
      return [...line, inner];
    });
  }

  // The shortest way from a module or program of somebody's to a library.
  function wayTo(thing) {
    const from = new Map([[thing, null]]);
    for (const one of from.keys()) {
      if (!one.absent && !one.isLibrary) {
        const way = [];
        for (let step = one; step; step = from.get(step)) {
          way.push(step);
        }
        return way;
      }
      one.neededBy.forEach((user) => from.has(user) || from.set(user, one));
    }
    return null;
  }

  function why(thing) {
    const opened = bundle.opened.filter((each) => thing.name && each.names.split(", ").some((name) => name === thing.name));
    const parts = [heading("Why it is here")];
    const way = wayTo(thing);
    if (way && way.length > 1) {
      const owner = bundle.owners[way[0].owner];
      const steps = [owner, ...way].flatMap((step, number) => [number ? " → " : null, linkTo(step, step.name)]);
      parts.push(element("p", { class: "way" }, ...steps.filter(Boolean)));
    }
    if (thing.neededBy.length) {
      parts.push(element("p", null, `Needed by ${plural(thing.neededBy.length, "file")}:`), needers(thing));
    }
    opened.forEach(({ file, names, feature }) =>
      parts.push(element("p", null, linkTo(file), ` opens ${names} at run time${feature ? `: ${feature}` : ""}`)),
    );
    if (parts.length === 1) {
      const owner = !thing.absent && bundle.owners[thing.owner];
      const reason = thing.isLibrary ? "No file names it: it is opened at run time, or not at all." : "It belongs to ";
      parts.push(element("p", null, reason, owner && !thing.isLibrary ? linkTo(owner, owner.name) : ""));
    }
    return parts;
  }

  function needs(thing) {
    if (!thing.needs.length) {
      return [];
    }
    return [
      heading("What it needs"),
      listOf(thing.needs, ({ name, library }) => [
        linkTo(library, name),
        element("span", { class: library.absent === "found nowhere" ? "bad" : "quiet" }, library.absent ? ` ${library.absent}` : ` is ${library.path}`),
      ]),
    ];
  }

  function inGraph(thing) {
    const look = () => {
      dialog.close();
      graph.open();
      graph.look(thing);
      document.getElementById("libraries").scrollIntoView();
    };
    return element("button", { type: "button", click: look }, "Show in the graph");
  }

  // What leaves a library of the host behind, and what that asks of the target.
  function staysBehind(file) {
    const users = file.neededBy.length;
    const price = users ? `: then the target must have it, at least as new as the ${plural(users, "file")} that need${users === 1 ? "s" : ""} it ask${users === 1 ? "s" : ""} for` : "";
    return element("span", null, element("code", null, `--exclude-lib ${file.name}`), price);
  }

  function ofFile(file) {
    const owner = bundle.owners[file.owner];
    const component = bundle.components.find((each) => each.files.includes(file.number));
    return [
      facts([
        ["path", element("code", null, file.path)],
        ["size", file.link === undefined && `${readableSize(file.size)} (${file.size.toLocaleString("en")} bytes)`],
        ["leads to", file.link],
        ["is", `${bundle.kinds[file.kind]}, in the layer ${file.layer}`],
        ["of", linkTo(owner, owner.name)],
        ["came from", element("code", null, file.origin)],
        ["package", component && component.package],
        ["licence", component && component.licence],
        ["changed", file.reason],
        ["asks for", file.asks && `${file.asks.release} (${file.asks.symbol})`],
        ["stays behind with", file.isLibrary && file.origin.startsWith("host:") && staysBehind(file)],
      ]),
      file.isBinary && inGraph(file),
      ...why(file),
      ...needs(file),
    ];
  }

  function ofAbsent(library) {
    return [
      facts([["it is", library.absent]]),
      inGraph(library),
      ...why(library),
    ];
  }

  function ofOwner(owner) {
    const kinds = bundle.kinds.map((name, number) => [name, owner.files.filter((file) => file.kind === number)]);
    const component = bundle.components.find((each) => each.kind === "distribution" && each.name === owner.name);
    const largest = owner.files.filter((file) => file.size).sort((a, b) => b.size - a.size);
    const own = new Set(owner.files);
    const outside = [...new Set(owner.files.flatMap((file) => file.needs.map((need) => need.library)))].filter((one) => !own.has(one));
    const newest = owner.files.filter((file) => file.asks).sort((a, b) => compareReleases(b.asks.release, a.asks.release))[0];
    const enter = () => {
      dialog.close();
      sizes.enterOwner(owner);
      document.getElementById("sizes").scrollIntoView();
    };
    return [
      facts([
        ["version", component && component.version],
        ["size", `${readableSize(owner.size)}, ${share(owner.size, bundle.size)} of all, in ${plural(owner.count, "file")}`],
        ["licence", component && component.licence],
        ["purl", component && component.purl],
        ["asks for", newest && element("span", null, `${newest.asks.release} (${newest.asks.symbol}) in `, linkTo(newest))],
      ]),
      element("button", { type: "button", click: enter }, "Show in the picture of sizes"),
      owner.requiredBy.length > 0 && heading("Why it is here"),
      owner.requiredBy.length > 0 &&
        listOf(owner.requiredBy, ({ owner: by, text }) => [linkTo(by), element("span", { class: "quiet" }, ` requires ${text}`)]),
      heading("By kind"),
      facts(
        kinds
          .filter(([, files]) => files.length)
          .map(([name, files]) => [name, files.reduce((total, file) => total + file.size, 0), files.length])
          .sort((a, b) => b[1] - a[1])
          .map(([name, size, number]) => [name, `${readableSize(size)} in ${plural(number, "file")}`]),
      ),
      outside.length > 0 && heading("Libraries that it needs from outside of itself"),
      outside.length > 0 && listOf(outside, (one) => [linkTo(one, one.name), element("span", { class: "quiet" }, ` ${one.absent || one.origin}`)]),
      heading("Its largest files"),
      listOf(largest, (file) => [linkTo(file), element("span", { class: "quiet" }, ` ${readableSize(file.size)}`)]),
    ];
  }

  function show(thing) {
    const content = thing.files ? ofOwner(thing) : thing.absent ? ofAbsent(thing) : ofFile(thing);
    fill(place, element("h2", { id: "details-title", tabindex: "-1" }, element("bdi", null, thing.name)), ...content);
    if (!dialog.open) {
      dialog.showModal();
    }
    dialog.scrollTop = 0;
    document.getElementById("details-title").focus();
  }

  // Follow the address: what it is of opens, and for any other address what is open closes.
  function follow() {
    const thing = at(location.hash);
    if (thing) {
      show(thing);
    } else if (dialog.open) {
      dialog.close();
    }
  }

  function start() {
    dialog.addEventListener("close", () => at(location.hash) && history.replaceState(null, "", location.pathname + location.search));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    window.addEventListener("hashchange", follow);
    follow();
  }

  return { start };
})();
