"use strict";
// The graph of shared libraries: all of them with the packages that need them, or one thing with what leads to it and from it.

const graph = (() => {
  const MOST_NODES = 220;
  const MOST_IN_COLUMN = 14;
  const NARROW = 640; // pixels: there is room for one step to either side
  const GROUPS = [
    { key: "owner", words: "package, Python: its modules and programs", symbol: "roundRect", colour: "--group-owner" },
    { key: "host", words: "library that came from the host", symbol: "circle", colour: "--group-host" },
    { key: "inside", words: "library in a package or of Python", symbol: "diamond", colour: "--group-inside" },
    { key: "left", words: "left to the host", symbol: "emptyCircle", colour: "--group-left" },
    { key: "missing", words: "found nowhere", symbol: "triangle", colour: "--group-missing" },
    { key: "file", words: "module or program", symbol: "rect", colour: "--group-file" },
  ];
  const MARGIN = { x: 40, y: 28 }; // pixels around the nodes
  let chart = null;
  let focus = null;
  let withAbsent = false;

  function groupOf(thing) {
    if (thing.absent) {
      return thing.absent === "found nowhere" ? "missing" : "left";
    }
    if (thing.files) {
      return "owner";
    }
    if (!thing.isLibrary) {
      return "file";
    }
    return thing.origin.startsWith("host:") ? "host" : "inside";
  }

  function isShown(thing) {
    return !thing.absent || withAbsent || thing.absent === "found nowhere";
  }

  function place() {
    return document.getElementById("graph");
  }

  // Pixels of the picture: once it is drawn its own, which on paper are others than the page's.
  function extent() {
    return chart ? [chart.getWidth(), chart.getHeight()] : [place().clientWidth, place().clientHeight];
  }

  // Nodes that nobody sees, in two corners: between them the others lie where they are put, pixel by pixel.
  function corners() {
    return [[0, 0], extent()].map(([x, y]) => ({ id: `corner ${x}`, name: "", x, y, symbol: "none", symbolSize: 0, label: { show: false }, silent: true }));
  }

  // What stands for a file where all are shown: a library for itself, all else for whom it belongs to.
  function standIn(file) {
    return file.isLibrary ? file : bundle.owners[file.owner];
  }

  function wholeGraph() {
    const edges = new Map();
    const things = new Set(bundle.files.filter((file) => file.isLibrary));
    for (const library of [...bundle.files, ...bundle.absent]) {
      if (!library.neededBy.length || !isShown(library)) {
        continue;
      }
      things.add(library);
      for (const file of library.neededBy) {
        const source = standIn(file);
        things.add(source);
        const key = `${source.address} ${library.address}`;
        const edge = edges.get(key) || { source, target: library, count: 0 };
        edge.count += 1;
        edges.set(key, edge);
      }
    }
    const degree = new Map();
    for (const { source, target } of edges.values()) {
      degree.set(source, (degree.get(source) || 0) + 1);
      degree.set(target, (degree.get(target) || 0) + 1);
    }
    const order = [...things].sort((a, b) => (degree.get(b) || 0) - (degree.get(a) || 0) || (a.address < b.address ? -1 : 1));
    const kept = new Set(order.slice(0, MOST_NODES));
    return {
      things: [...kept],
      edges: [...edges.values()].filter(({ source, target }) => kept.has(source) && kept.has(target)),
      dropped: order.length - kept.size,
      degree,
    };
  }

  // The columns around one thing: to the left who needs it, to the right what it needs, each a step further out.
  function columnsAround(thing, steps) {
    const columns = [{ step: 0, things: [thing], more: 0 }];
    const seen = new Set([thing]);
    for (const [direction, next] of [
      [-1, (one) => one.neededBy],
      [1, (one) => one.needs.map((need) => need.library)],
    ]) {
      let last = [thing];
      for (let step = 1; step <= steps && last.length; step += 1) {
        const found = [...new Set(last.flatMap((one) => (one.files ? needsOfOwner(one, direction) : next(one))))];
        const fresh = found.filter((one) => !seen.has(one) && isShownAround(one, thing));
        fresh.sort((a, b) => (b.isLibrary ? 1 : 0) - (a.isLibrary ? 1 : 0) || (a.path < b.path ? -1 : 1));
        const things = fresh.slice(0, MOST_IN_COLUMN);
        things.forEach((one) => seen.add(one));
        columns.push({ step: direction * step, things, more: fresh.length - things.length });
        last = things;
      }
    }
    return columns.filter((column) => column.things.length);
  }

  function isShownAround(one, thing) {
    return isShown(one) || thing.absent || thing.needs.some((need) => need.library === one);
  }

  function needsOfOwner(owner, direction) {
    return direction < 0 ? [] : owner.files.filter((file) => !file.isLibrary).flatMap((file) => file.needs.map((need) => need.library));
  }

  function node(thing, more) {
    const group = GROUPS.find(({ key }) => key === groupOf(thing));
    return {
      id: thing.address,
      name: thing.name,
      symbol: group.symbol,
      itemStyle: { color: styled(group.colour), borderColor: styled("--ground"), borderWidth: 1 },
      ...more,
    };
  }

  function wholeSeries() {
    const { things, edges, dropped, degree } = wholeGraph();
    caption(
      `${plural(things.length, "node")}, an arrow leads from who needs a library to it.` +
        (dropped ? ` ${plural(dropped, "node")} with the fewest arrows are not drawn.` : ""),
      " Point at one to see its own; a click shows who needs it, and what it needs.",
    );
    if (!things.length) {
      caption("No file of this bundle names a shared library that is in it.");
    }
    const largest = Math.max(1, ...things.map((thing) => degree.get(thing) || 0));
    const isCrowded = things.length > 40;
    const isNarrow = extent()[0] < NARROW;
    return {
      layout: "force",
      force: { initLayout: "circular", repulsion: isCrowded ? 110 : 260, edgeLength: [30, 110], gravity: 0.15, layoutAnimation: false },
      data: things.map((thing) => {
        const many = (degree.get(thing) || 0) / largest;
        return node(thing, {
          symbolSize: (9 + 26 * Math.sqrt(many)) * (isNarrow ? 0.6 : 1),
          label: { show: !isCrowded || many > (isNarrow ? 0.3 : 0.08) || groupOf(thing) === "missing" },
        });
      }),
      edges: edges.map(({ source, target, count }) => ({
        source: source.address,
        target: target.address,
        lineStyle: { width: Math.min(5, 0.7 + Math.log2(count) / 2) },
      })),
      emphasis: { focus: "adjacency", label: { show: true }, lineStyle: { width: 2.5, opacity: 1 } },
      lineStyle: { color: styled("--arrow"), opacity: 0.55, curveness: 0.08 },
      label: { position: "right", formatter: ({ data }) => shortened(data.name, 34) },
      labelLayout: { hideOverlap: true },
    };
  }

  function focusSeries() {
    const [width, height] = extent();
    const isNarrow = width < NARROW;
    const steps = isNarrow ? 1 : 2;
    const columns = columnsAround(focus, steps);
    const shown = new Map();
    const data = [];
    const first = Math.min(...columns.map((column) => column.step));
    const last = Math.max(...columns.map((column) => column.step));
    for (const { step, things, more } of columns) {
      const rows = things.length + (more ? 1 : 0);
      const x = last > first ? MARGIN.x + ((step - first) * (width - 2 * MARGIN.x)) / (last - first) : width / 2;
      const y = (row) => MARGIN.y + ((row + 0.5) * (height - 2 * MARGIN.y)) / rows;
      things.forEach((thing, row) => {
        shown.set(thing, step);
        data.push(node(thing, { x, y: y(row), ...aligned(step, first, last, thing) }));
      });
      if (more) {
        data.push({
          id: `more ${step}`,
          name: `${more} more`,
          symbol: "emptyCircle",
          symbolSize: 6,
          itemStyle: { color: styled("--quiet") },
          label: { position: step === last && last > first ? "left" : "right" },
          x,
          y: y(things.length),
        });
      }
    }
    const edges = []; // from one column to the next: who needs what beyond that, each tells of itself
    for (const [thing, step] of shown) {
      const needs = thing.files ? needsOfOwner(thing, 1) : thing.needs.map((need) => need.library);
      for (const library of new Set(needs)) {
        if (shown.get(library) === step + 1) {
          edges.push({ source: thing.address, target: library.address });
        }
      }
    }
    caption(`To the left who needs ${focus.name}, to the right what it needs, ${plural(steps, "step")} to either side.`);
    return {
      layout: "none",
      data: [...data, ...corners()],
      edges,
      lineStyle: { color: styled("--arrow"), opacity: 0.7, curveness: 0.05 },
      emphasis: { focus: "adjacency", lineStyle: { width: 2.5 } },
      label: { show: true, formatter: ({ data: { name } }) => shortened(name, isNarrow ? 17 : 30) },
    };
  }

  function aligned(step, first, last, thing) {
    const isFocus = thing === focus;
    const position = isFocus ? "top" : step === last && last > first ? "left" : "right";
    return { symbolSize: isFocus ? 26 : 13, label: { position, distance: 6, fontWeight: isFocus ? "bold" : "normal" } };
  }

  function caption(text, forPointers = "") {
    fill(document.getElementById("graph-caption"), text, element("span", { class: "on-screen" }, forPointers));
  }

  function drawLegend(groups) {
    fill(
      document.getElementById("graph-legend"),
      ...GROUPS.filter(({ key }) => groups.has(key)).map(({ key, words }) =>
        element("li", null, element("i", { class: `shape shape-${key}` }), words),
      ),
    );
  }

  function draw() {
    const series = focus ? focusSeries() : wholeSeries();
    drawLegend(new Set(series.data.map(({ id }) => at(id)).filter(Boolean).map(groupOf)));
    document.getElementById("whole-graph").hidden = !focus;
    const words = focus
      ? [linkTo(focus, focus.name), ` needed by ${focus.neededBy ? focus.neededBy.length : 0}, needs ${(focus.needs || []).length}`]
      : [];
    fill(document.getElementById("graph-focus"), ...words);
    if (!chart) {
      return;
    }
    show(series);
    if (!focus && chart.getWidth() && chart.getHeight()) {
      show({ ...series, layout: "none", data: [...spread(series.data), ...corners()] });
    }
  }

  // The nodes of a layout, moved apart until they fill the picture.
  function spread(data) {
    const laid = chart.getModel().getSeriesByIndex(0).getData();
    const points = data.map((_, number) => laid.getItemLayout(number));
    const [width, height] = extent();
    const along = (axis, size, margin) => {
      const values = points.map((point) => point[axis]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return (value) => (high > low ? margin + ((value - low) * (size - 2 * margin)) / (high - low) : size / 2);
    };
    const [x, y] = [along(0, width, width < NARROW ? MARGIN.x / 2 : 2 * MARGIN.x), along(1, height, MARGIN.y)];
    return data.map((each, number) => ({ ...each, x: x(points[number][0]), y: y(points[number][1]) }));
  }

  function show(series) {
    const label = { color: styled("--ink"), fontSize: 12, fontFamily: styled("--font"), textBorderColor: styled("--sunken"), textBorderWidth: 2 };
    chart.setOption(
      {
        animation: false,
        tooltip: {
          renderMode: "richText",
          confine: true,
          backgroundColor: styled("--raised"),
          borderColor: styled("--line"),
          textStyle: { color: styled("--ink"), fontSize: 13 },
          formatter: ({ data }) => (at(data.id) ? told(at(data.id)) : ""),
        },
        series: [
          {
            type: "graph",
            roam: matchMedia("(pointer: coarse)").matches ? false : "move", // the wheel and the finger are for the page
            left: 0,
            right: 0,
            top: 0,
            bottom: 0,
            edgeSymbol: ["none", "arrow"],
            edgeSymbolSize: 6,
            ...series,
            label: { ...label, ...series.label },
          },
        ],
      },
      { notMerge: true },
    );
  }

  // Braces mean something to the chart library's texts.
  function told(thing) {
    const lines = [thing.path || thing.name];
    if (thing.files) {
      lines.push(`${readableSize(thing.size)} in ${plural(thing.count, "file")}`);
    } else {
      lines.push(thing.absent || `${readableSize(thing.size)}, from ${thing.origin}`);
      lines.push(`needed by ${plural(thing.neededBy.length, "file")}, needs ${thing.needs.length}`);
    }
    if (thing.asks) {
      lines.push(`asks for ${thing.asks.release} (${thing.asks.symbol})`);
    }
    return lines.join("\n").replace(/[{}]/g, (brace) => ({ "{": "❴", "}": "❵" })[brace]);
  }

  function look(thing) {
    focus = thing;
    draw();
  }

  function start() {
    document.getElementById("with-absent").addEventListener("change", (event) => {
      withAbsent = event.target.checked;
      draw();
    });
    document.getElementById("whole-graph").addEventListener("click", () => look(null));
    document.getElementById("nearer").addEventListener("click", () => zoom(1.4));
    document.getElementById("further").addEventListener("click", () => zoom(1 / 1.4));
    draw(); // caption and legend, which have a height: nothing below moves when the picture comes
    // The picture is drawn when somebody comes near: it takes a moment, and the page shall be there at once.
    const observer = new IntersectionObserver(
      (seen) => {
        if (seen.some((entry) => entry.isIntersecting)) {
          observer.disconnect();
          open();
        }
      },
      { rootMargin: "200px" },
    );
    observer.observe(place());
  }

  function zoom(factor) {
    open();
    const [originX, originY] = [chart.getWidth() / 2, chart.getHeight() / 2];
    chart.dispatchAction({ type: "graphRoam", seriesIndex: 0, zoom: factor, originX, originY });
  }

  function open() {
    if (chart) {
      return;
    }
    chart = echarts.init(place(), null, { renderer: "canvas" });
    chart.on("click", ({ dataType, data }) => dataType === "node" && at(data.id) && look(at(data.id)));
    draw();
    new ResizeObserver(() => isOnPaper() || resize()).observe(place());
  }

  function resize(size) {
    chart.resize(size);
    draw();
  }

  return { start, open, draw, look, resize };
})();
