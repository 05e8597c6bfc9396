"use strict";
// The bundle, as the data in the page has it: files, owners, who needs what.

const bundle = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const column = data.files;
  const files = column.name.map((name, number) => {
    const folder = data.folders[column.folder[number]];
    const path = folder ? `${folder}/${name}` : name;
    return {
      address: `#file/${number}`,
      number,
      name,
      folder,
      path,
      size: column.size[number],
      layer: data.layers[column.layer[number]],
      owner: column.owner[number],
      kind: column.kind[number],
      get origin() {
        const origin = data.origins[column.origin[number]];
        return origin.endsWith(":*") ? origin.slice(0, -1) + path : origin; // most came from where they are
      },
      reason: data.reasons[column.reason[number]],
      link: data.links[number],
      needs: [],
      neededBy: [],
      asks: null,
    };
  });
  const owners = data.owners.map((name, number) => ({ address: `#owner/${number}`, number, name, files: [], count: 0, size: 0 })); // a link is no file to count
  const absent = data.absent.map(([name, place], number) => ({
    address: `#name/${number}`,
    name,
    path: name,
    absent: data.places[place],
    needs: [],
    neededBy: [],
    asks: null,
  }));
  let size = 0;
  for (const file of files) {
    owners[file.owner].files.push(file);
    owners[file.owner].count += file.link === undefined ? 1 : 0;
    owners[file.owner].size += file.size;
    size += file.size;
  }
  for (const [number, binary] of Object.entries(data.binaries)) {
    const file = files[number];
    file.isBinary = true;
    file.asks = binary.asks && { release: binary.asks[0], symbol: binary.asks[1] };
    for (const [name, found] of binary.needs) {
      const library = found < 0 ? absent[-1 - found] : files[found];
      file.needs.push({ name, library });
      if (!library.neededBy.includes(file)) {
        library.neededBy.push(file);
      }
    }
  }
  owners.forEach((owner) => {
    owner.requiredBy = (data.required[owner.number] || []).map(([number, text]) => ({ owner: owners[number], text }));
  });
  const libraryKind = data.kinds.indexOf("shared library");
  for (const file of files) {
    file.isLibrary = Boolean(file.isBinary) && (file.kind === libraryKind || file.neededBy.length > 0);
  }
  return {
    name: document.querySelector("h1").textContent,
    size,
    files,
    owners,
    absent,
    kinds: data.kinds,
    opened: data.opened.map(([number, names, outcome, feature]) => ({ file: files[number], names, outcome, feature })),
    components: data.components,
  };
})();

// What an address within the page is of: a file, an owner or an absent library; undefined for others.
function at(address) {
  const [, kind, number] = /^#(file|owner|name)\/(\d+)$/.exec(address) || [];
  const all = { file: bundle.files, owner: bundle.owners, name: bundle.absent }[kind];
  return all && all[Number(number)];
}
