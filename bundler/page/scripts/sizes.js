"use strict";
// The picture of sizes: a treemap of two levels of a part of the bundle, which is entered by a click, and its parts as a table.

const sizes = (() => {
  const MOST_BOXES = 40; // of one level: smaller ones are one box together
  const MOST_ROWS = 15;
  const DIVISIONS = {
    owner: (file) => [file.layer, bundle.owners[file.owner].name, bundle.kinds[file.kind], file],
    kind: (file) => [bundle.kinds[file.kind], bundle.owners[file.owner].name, file],
    folder: (file) => [...(file.folder ? file.folder.split("/") : []), file],
  };
  let division = DIVISIONS.owner;
  let trail = [];
  let chart = null;
  let rows = MOST_ROWS;
  let drawn = []; // the parts of the picture: the chart library copies what it is given, so it is given their numbers

  function whole() {
    return { name: bundle.name, files: bundle.files.filter((file) => file.link === undefined), size: bundle.size, depth: 0 };
  }

  // The parts of a part, the largest first. A file has none.
  function partsOf(part) {
    if (part.file) {
      return [];
    }
    const parts = new Map();
    for (const file of part.files) {
      const key = division(file)[part.depth];
      let found = parts.get(key);
      if (!found) {
        const isFile = typeof key !== "string";
        found = { name: isFile ? file.name : key, files: [], size: 0, depth: part.depth + 1, file: isFile ? file : null, above: part };
        parts.set(key, found);
      }
      found.files.push(file);
      found.size += file.size;
    }
    return [...parts.values()].sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  }

  function current() {
    return trail[trail.length - 1];
  }

  function enter(part) {
    if (part.file) {
      location.hash = part.file.address;
      return;
    }
    const way = [];
    for (let step = part; step !== current(); step = step.above) {
      way.unshift(step); // the picture has two levels: of the inner one the outer is on the way
    }
    trail.push(...way);
    draw();
  }

  function leave(depth = trail.length - 1) {
    if (depth > 0) {
      trail = trail.slice(0, depth);
      draw();
    }
  }

  // Enter the part that an owner's files are.
  function enterOwner(owner) {
    choose("owner");
    const largest = partsOf(current())
      .flatMap((layer) => partsOf(layer).filter((part) => part.name === owner.name).map((part) => [layer, part]))
      .sort((a, b) => b[1].size - a[1].size)[0];
    if (largest) {
      trail.push(...largest);
    }
    draw();
  }

  function choose(name) {
    division = DIVISIONS[name];
    document.getElementById("division").value = name;
    trail = [whole()];
  }

  function kindOf(part) {
    if (part.file) {
      return part.file.kind;
    }
    const totals = new Map();
    for (const file of part.files) {
      totals.set(file.kind, (totals.get(file.kind) || 0) + file.size);
    }
    return [...totals].sort((a, b) => b[1] - a[1])[0][0];
  }

  function colourOf(kind) {
    return styled(`--kind-${kind}`);
  }

  function box(part, whole, isInner) {
    const colour = colourOf(kindOf(part));
    const made = {
      name: part.name,
      value: part.size,
      part: drawn.push(part) - 1,
      itemStyle: { color: colour },
      label: { color: readableOn(colour) },
      upperLabel: { color: styled("--ink") },
    };
    if (!isInner) {
      const parts = partsOf(part);
      if (parts.length > 1) {
        made.children = boxes(parts, part, true);
      }
    }
    return made;
  }

  function boxes(parts, whole, isInner) {
    const large = parts.slice(0, MOST_BOXES).filter((part) => part.size * 2000 > whole.size);
    const rest = parts.slice(large.length);
    const found = large.map((part) => box(part, whole, isInner));
    if (rest.length) {
      const size = rest.reduce((total, part) => total + part.size, 0);
      const colour = styled("--quiet");
      found.push({
        name: `${rest.length.toLocaleString("en")} more`,
        value: size,
        itemStyle: { color: colour },
        label: { color: readableOn(colour) },
      });
    }
    return found;
  }

  function options() {
    const part = current();
    drawn = [];
    const text = { fontFamily: styled("--font"), fontSize: 12, overflow: "truncate", ellipsis: "…" };
    return {
      animation: !isOnPaper() && !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 200,
      animationDurationUpdate: 250,
      textStyle: { fontFamily: styled("--font") },
      tooltip: {
        renderMode: "richText",
        confine: true,
        backgroundColor: styled("--raised"),
        borderColor: styled("--line"),
        textStyle: { color: styled("--ink"), fontSize: 13 },
        formatter: ({ data }) => (data && data.value !== undefined ? told(data) : ""),
      },
      series: [
        {
          type: "treemap",
          left: 0,
          right: 0,
          top: 0,
          bottom: 0,
          roam: false,
          nodeClick: false,
          breadcrumb: { show: false },
          sort: "desc",
          visibleMin: 1,
          label: { ...text, formatter: ({ data }) => `${data.name}\n${readableSize(data.value)}`, lineHeight: 16 },
          upperLabel: {
            ...text,
            show: true,
            height: 22,
            fontWeight: "bold",
            formatter: ({ data }) => `${data.name}  ${readableSize(data.value)}`,
          },
          levels: [
            { itemStyle: { borderColor: styled("--ground"), borderWidth: 0, gapWidth: 4 }, upperLabel: { show: false } },
            { itemStyle: { borderColor: styled("--sunken"), borderWidth: 3, gapWidth: 1 } },
            { itemStyle: { borderColor: styled("--sunken"), borderWidth: 0, gapWidth: 1 }, upperLabel: { show: false } },
          ],
          emphasis: { itemStyle: { borderColor: styled("--accent") }, upperLabel: { color: styled("--accent") } },
          data: boxes(partsOf(part), part, false),
        },
      ],
    };
  }

  // What a box is, for who points at it. Braces mean something to the chart library's texts.
  function told(data) {
    const name = data.name.replace(/[{}]/g, (brace) => ({ "{": "❴", "}": "❵" })[brace]);
    const lines = [name, `${readableSize(data.value)}, ${share(data.value, bundle.size)} of all`];
    const part = drawn[data.part];
    if (part && !part.file) {
      lines.push(`${plural(part.files.length, "file")}, most of it ${bundle.kinds[kindOf(part)]}`);
    }
    return lines.join("\n");
  }

  function drawTrail() {
    const items = trail.map((part, depth) => {
      const isLast = depth === trail.length - 1;
      const attributes = { type: "button", "aria-current": isLast ? "true" : null };
      return element("button", { ...attributes, click: () => leave(depth + 1) }, element("bdi", null, part.name));
    });
    const up = element("button", { type: "button", class: "up", disabled: trail.length < 2, click: () => leave() }, "↑ out");
    fill(document.getElementById("trail"), up, ...items);
  }

  function drawTable() {
    const part = current();
    const parts = partsOf(part);
    const lines = parts.slice(0, rows).map((each) =>
      element(
        "tr",
        null,
        element(
          "td",
          null,
          element("button", { type: "button", class: "enter", click: () => enter(each) }, element("bdi", null, each.name)),
        ),
        element("td", { class: "number" }, readableSize(each.size)),
        element(
          "td",
          { class: "number" },
          element("meter", { min: 0, max: part.size || 1, value: each.size, "aria-hidden": "true" }),
          share(each.size, part.size),
        ),
        element("td", { class: "number" }, each.file ? "" : each.files.length.toLocaleString("en")),
      ),
    );
    const heads = ["part", "size", "share", "files"].map((text, number) =>
      element("th", { class: number ? "number" : null }, text),
    );
    const more =
      parts.length > rows &&
      element(
        "tr",
        null,
        element(
          "td",
          { colspan: 4 },
          element(
            "button",
            {
              type: "button",
              class: "more",
              click: () => {
                rows = rows === MOST_ROWS ? 200 : Infinity;
                drawTable();
              },
            },
            `${(parts.length - rows).toLocaleString("en")} more`,
          ),
        ),
      );
    fill(
      document.getElementById("parts"),
      element("thead", null, element("tr", null, ...heads)),
      element("tbody", null, ...lines, ...(more ? [more] : [])),
    );
  }

  function drawLegend() {
    const totals = bundle.kinds.map(() => 0);
    current().files.forEach((file) => {
      totals[file.kind] += file.size;
    });
    const order = [...totals.keys()].filter((kind) => totals[kind]).sort((a, b) => totals[b] - totals[a]);
    fill(
      document.getElementById("legend"),
      ...order.map((kind) =>
        element("li", null, element("i", { class: `swatch kind-${kind}` }), `${bundle.kinds[kind]} ${readableSize(totals[kind])}`),
      ),
    );
  }

  // How what is shown could stay behind: a pattern, where it is a folder.
  function drawHint() {
    const place = document.getElementById("leave-out");
    const isFolder = division === DIVISIONS.folder && trail.length > 1;
    place.hidden = !isFolder;
    if (isFolder) {
      const path = trail.slice(1).map((part) => part.name.replace(/[\\*?[\]!#]/g, "\\$&")).join("/");
      fill(place, "Left out by ", element("code", null, `--exclude '/${path.replaceAll("'", "'\\''")}/'`), ".");
    }
  }

  function draw() {
    const part = current();
    rows = MOST_ROWS;
    drawTrail();
    drawTable();
    drawLegend();
    drawHint();
    fill(
      document.getElementById("treemap-caption"),
      `${part.name}: ${readableSize(part.size)}, ${share(part.size, bundle.size)} of all.`,
      element("span", { class: "on-screen" }, " A click on a box goes into it; by keyboard, the table below does."),
    );
    if (chart) {
      chart.setOption(options(), { notMerge: true });
    }
  }

  function start() {
    const place = document.getElementById("treemap");
    choose("owner");
    chart = echarts.init(place, null, { renderer: "canvas" });
    chart.on("click", ({ data }) => data && drawn[data.part] && enter(drawn[data.part]));
    document.getElementById("division").addEventListener("change", (event) => {
      choose(event.target.value);
      draw();
    });
    draw();
    new ResizeObserver(() => isOnPaper() || chart.resize()).observe(place);
  }

  function resize(size) {
    chart.resize(size);
    draw();
  }

  return { start, draw, leave, enterOwner, resize };
})();
