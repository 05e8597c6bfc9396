"use strict";
// The menu: it marks the section that is read, or the one that was chosen where the page ends too early for it to come to the top.

const sections = (() => {
  const REACH = 0.35; // of the window: a section is read whose heading is above this height
  const menu = document.querySelector(".sections");
  const links = [...menu.querySelectorAll("a")];
  const places = links.map((link) => document.querySelector(link.hash));
  let chosen = null; // what was gone to last; null once the reader scrolls

  function isInSight(place) {
    const { top, bottom } = place.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  }

  function current() {
    if (chosen) {
      return chosen;
    }
    const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
    const read = places.filter((place) => place.getBoundingClientRect().top < window.innerHeight * REACH);
    return (isAtEnd && places.findLast(isInSight)) || read.pop() || places[0];
  }

  function mark() {
    const place = current();
    links.forEach((link, number) => {
      if (places[number] !== place) {
        link.removeAttribute("aria-current");
      } else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        menu.scrollLeft = link.offsetLeft - menu.offsetLeft - (menu.clientWidth - link.offsetWidth) / 2;
      }
    });
  }

  function choose() {
    chosen = places.find((place) => `#${place.id}` === location.hash) || null;
    mark();
  }

  function release() {
    chosen = null;
    mark();
  }

  function start() {
    links.forEach((link) => link.addEventListener("click", () => setTimeout(choose))); // also where the address stays the same
    window.addEventListener("hashchange", choose);
    window.addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
    ["wheel", "touchmove", "pointerdown", "keydown"].forEach((name) => window.addEventListener(name, release, { passive: true }));
    choose();
  }

  return { start };
})();
