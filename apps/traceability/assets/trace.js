/* The drawing of a trace: begins at its own lot; zoom, pan, an overview, and the
   way to the seed shown while a card has the focus. All of it is there without
   this script too, as links and a box that scrolls. */
(() => {
  "use strict";
  const setUp = (box) => {
    const svg = box.querySelector("svg.trace"), seed = svg && svg.querySelector(".seed");
    if (!svg || svg.dataset.ready) return;
    svg.dataset.ready = "1";
    const width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
    const frame = box.closest(".trace-frame");
    const tools = frame && frame.querySelector("[data-trace-tools]"), map = frame && frame.querySelector("[data-trace-map]");
    let scale = 1, view = null;

    const centre = (x, y) => {
      box.scrollLeft = x * scale - box.clientWidth / 2;
      box.scrollTop = y * scale - box.clientHeight / 2;
    };
    const toSeed = () => {
      if (!seed) return;
      const b = seed.getBBox();
      centre(b.x + b.width / 2, b.y + b.height / 2);
    };
    const zoom = (to, x, y) => {
      to = Math.min(2.5, Math.max(0.05, to));
      const px = x === undefined ? box.clientWidth / 2 : x, py = y === undefined ? box.clientHeight / 2 : y;
      const atX = (box.scrollLeft + px) / scale, atY = (box.scrollTop + py) / scale;
      scale = to;
      svg.setAttribute("width", width * scale);
      svg.setAttribute("height", height * scale);
      box.scrollLeft = atX * scale - px;
      box.scrollTop = atY * scale - py;
      look();
    };
    const fit = () => { zoom(Math.min(1, box.clientWidth / width, box.clientHeight / height)); };
    const acts = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), fit: fit, seed: () => { zoom(1); toSeed(); } };

    /* The overview: a rectangle a card, and the part that is seen. */
    const look = () => {
      if (!map) return;
      const small = width * scale <= box.clientWidth + 2 && height * scale <= box.clientHeight + 2;
      map.toggleAttribute("hidden", small);
      if (small) return;
      if (!view) {
        map.setAttribute("viewBox", `0 0 ${width} ${height}`);
        const cards = [...svg.querySelectorAll(".lot-card")].map((a) => {
          const r = a.querySelector("rect:not(.behind)"), kind = ["seed", "bad", "warn"].find((k) => a.classList.contains(k)) || "";
          return `<rect class="${kind}" x="${r.getAttribute("x")}" y="${r.getAttribute("y")}" width="${r.getAttribute("width")}" height="${r.getAttribute("height")}"/>`;
        });
        map.innerHTML = cards.join("") + '<rect class="view"/>';
        view = map.querySelector(".view");
      }
      view.setAttribute("x", box.scrollLeft / scale);
      view.setAttribute("y", box.scrollTop / scale);
      view.setAttribute("width", Math.min(width, box.clientWidth / scale));
      view.setAttribute("height", Math.min(height, box.clientHeight / scale));
    };
    if (map) {
      const go = (e) => {
        const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(map.getScreenCTM().inverse());
        centre(at.x, at.y);
      };
      map.addEventListener("pointerdown", (e) => { map.setPointerCapture(e.pointerId); go(e); });
      map.addEventListener("pointermove", (e) => { if (e.buttons) go(e); });
    }
    if (tools) {
      tools.hidden = false;
      tools.addEventListener("click", (e) => { const b = e.target.closest("[data-zoom]"); if (b) acts[b.dataset.zoom](); });
      box.addEventListener("keydown", (e) => {
        if (e.ctrlKey || e.metaKey || e.altKey) return;
        const act = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "seed" }[e.key];
        if (act) { e.preventDefault(); acts[act](); }
      });
      box.addEventListener("wheel", (e) => {
        if (!e.ctrlKey) return;
        e.preventDefault();
        const r = box.getBoundingClientRect();
        zoom(scale * Math.exp(-e.deltaY / 300), e.clientX - r.left, e.clientY - r.top);
      }, { passive: false });
      box.addEventListener("pointerdown", (e) => {
        if (e.pointerType !== "mouse" || e.button || e.target.closest("a")) return;
        const x = e.clientX + box.scrollLeft, y = e.clientY + box.scrollTop;
        const move = (m) => { box.scrollLeft = x - m.clientX; box.scrollTop = y - m.clientY; };
        box.classList.add("drag");
        box.setPointerCapture(e.pointerId);
        box.addEventListener("pointermove", move);
        box.addEventListener("pointerup", () => { box.classList.remove("drag"); box.removeEventListener("pointermove", move); }, { once: true });
      });
    }
    box.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);

    /* The way between the seed and the card that has the focus or the pointer. */
    if (frame && seed && !svg.classList.contains("focused")) {
      const next = new Map(), before = new Map(), strands = [...svg.querySelectorAll(".strand")], cards = new Map();
      const push = (m, k, v) => { if (!m.has(k)) m.set(k, []); m.get(k).push(v); };
      svg.querySelectorAll(".lot-card").forEach((a) => cards.set(a.dataset.n, a));
      strands.forEach((g) => { const [f, t] = g.dataset.e.split(" "); g.ends = [f, t]; push(next, f, t); push(before, t, f); });
      const reach = (m, from) => {
        const seen = new Set([from]), queue = [from];
        while (queue.length) (m.get(queue.pop()) || []).forEach((n) => { if (!seen.has(n)) { seen.add(n); queue.push(n); } });
        return seen;
      };
      const clear = () => { svg.classList.remove("focused"); svg.querySelectorAll(".on").forEach((x) => x.classList.remove("on")); };
      const show = (card) => {
        clear();
        const own = seed.dataset.n, n = card.dataset.n;
        if (n === own) return;
        const down = reach(next, own).has(n), a = reach(next, down ? own : n), b = reach(before, down ? n : own);
        if (!a.has(down ? n : own)) return;
        const on = (k) => a.has(k) && b.has(k);
        svg.classList.add("focused");
        cards.forEach((c, k) => c.classList.toggle("on", on(k)));
        strands.forEach((g) => g.classList.toggle("on", on(g.ends[0]) && on(g.ends[1])));
      };
      let wait;
      const later = (f) => { clearTimeout(wait); wait = setTimeout(f, 120); };
      svg.addEventListener("focusin", (e) => { const c = e.target.closest(".lot-card"); if (c && c.matches(":focus-visible")) show(c); });
      svg.addEventListener("focusout", clear);
      svg.addEventListener("pointerover", (e) => { const c = e.target.closest(".lot-card"); later(() => (c ? show(c) : clear())); });
      svg.addEventListener("pointerleave", () => later(clear));
    }
    if (width > box.clientWidth || height > box.clientHeight) toSeed();
    look();
  };
  const begin = () => document.querySelectorAll("[data-trace]").forEach(setUp);
  document.addEventListener("tallyway:fresh", begin);
  begin();
})();
