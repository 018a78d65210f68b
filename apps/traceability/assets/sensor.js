/* Charts of sensors: zoom by dragging or by keys, readings as they come. What
   stands in the page before, drawn by the server, stays where this cannot run. */
(() => {
  "use strict";
  const css = (el, name) => getComputedStyle(el).getPropertyValue(name).trim();

  /* The fleet's tiles follow what is measured. */
  const tell = (list) => {
    for (const r of list) {
      document.querySelectorAll(`[data-reading="${CSS.escape(r.device + " " + r.channel)}"]`).forEach((el) => { if (!el.dataset.state) el.textContent = r.text; });
    }
  };

  const chart = (box) => {
    const source = box.dataset.source, told = box.parentElement.querySelector(".sensor-told");
    let u = null, data = null, asked = 0;
    const fetchSpan = async (from, to) => {
      const mine = ++asked, url = new URL(source, location.href);
      url.searchParams.set("channel", box.dataset.channel);
      if (from) { url.searchParams.set("from", new Date(from).toISOString()); url.searchParams.set("to", new Date(to).toISOString()); } else for (const k of ["back", "at"]) { const v = new URL(location.href).searchParams.get(k); if (v) url.searchParams.set(k, v); }
      url.searchParams.set("points", "600");
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      if (!answer.ok || mine !== asked) return;
      data = await answer.json();
      draw();
    };
    /* Columns as uPlot wants them; a gap is a hole. */
    const columns = () => {
      const x = [], low = [], high = [], mean = [];
      let last = null;
      for (const p of data.points) {
        if (last !== null && p[0] - last > data.pause) { x.push((last + 1) / 1000); low.push(null); high.push(null); mean.push(null); }
        x.push(p[0] / 1000); low.push(p[1]); high.push(p[2]); mean.push(p[3]);
        last = Math.max(p[0], p[4]);
      }
      return [x, low, high, mean];
    };
    const back = (u) => {
      const { ctx } = u, { left, top, width, height } = u.bbox;
      ctx.save();
      ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
      const y = (v) => u.valToPos(v, "y", true), x = (ms) => u.valToPos(ms / 1000, "x", true);
      if (data.low !== undefined || data.high !== undefined) {
        const from = data.high !== undefined ? y(data.high) : top, to = data.low !== undefined ? y(data.low) : top + height;
        ctx.fillStyle = css(box, "--good-soft"); ctx.fillRect(left, from, width, to - from);
        ctx.strokeStyle = css(box, "--good"); ctx.setLineDash([8, 6]);
        for (const v of [data.low, data.high]) if (v !== undefined) { ctx.beginPath(); ctx.moveTo(left, y(v)); ctx.lineTo(left + width, y(v)); ctx.stroke(); }
        ctx.setLineDash([]);
      }
      ctx.fillStyle = css(box, "--bad-soft");
      for (const [from, to] of data.excursions) ctx.fillRect(x(from), top, Math.max(2, x(to) - x(from)), height);
      ctx.strokeStyle = css(box, "--line-strong"); ctx.lineWidth = 1;
      let last = null;
      const hatch = (from, to) => {
        const a = Math.max(left, x(from)), b = Math.min(left + width, x(to));
        if (b <= a) return;
        ctx.save(); ctx.beginPath(); ctx.rect(a, top, b - a, height); ctx.clip(); ctx.beginPath();
        for (let at = a - height; at < b; at += 10) { ctx.moveTo(at, top + height); ctx.lineTo(at + height, top); }
        ctx.stroke(); ctx.restore();
      };
      for (const p of data.points) { if (last !== null && p[0] - last > data.pause) hatch(last, p[0]); last = Math.max(p[0], p[4]); }
      ctx.restore();
    };
    const options = () => {
      const ink = css(box, "--ink-2"), grid = { stroke: css(box, "--line"), width: 1 }, accent = css(box, "--accent");
      const axis = { stroke: ink, grid, ticks: grid, font: "12px " + css(document.body, "font-family") };
      const zone = document.documentElement.dataset.zone;
      return {
        width: box.clientWidth || 600, height: Math.max(220, Math.min(360, Math.round(box.clientWidth * .42))),
        tzDate: zone ? (ts) => uPlot.tzDate(new Date(ts * 1e3), zone) : undefined,
        legend: { show: false }, cursor: { y: false, drag: { x: true, y: false, setScale: false } },
        scales: { x: { time: true, range: () => [data.from / 1000, data.to / 1000] }, y: { range: (u, a, b) => {
          const all = [a, b, data.low, data.high].filter((v) => v !== undefined && v !== null && isFinite(v));
          if (!all.length) return [0, 1];
          const low = Math.min(...all), high = Math.max(...all), pad = Math.max((high - low) * .08, .5);
          return data.state ? [-.1, 1.1] : [low - pad, high + pad];
        } } },
        axes: [Object.assign({}, axis), Object.assign({ size: 56, label: data.unit, labelSize: 18, labelFont: axis.font }, axis)],
        series: [{}, { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }, { stroke: accent, width: 2, points: { show: data.points.length < 60, size: 5, fill: accent }, paths: data.state ? uPlot.paths.stepped({ align: 1 }) : undefined }],
        bands: [{ series: [2, 1], fill: accent + "2a" }],
        hooks: {
          drawClear: [back],
          setSelect: [(u) => { if (u.select.width > 8) zoom(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000); u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false); }],
          setCursor: [(u) => say(u.cursor.idx)],
        },
      };
    };
    const say = (i) => {
      if (!told || i === null || i === undefined || !u) return;
      const v = u.data[3][i];
      if (v === null || v === undefined) { told.textContent = ""; return; }
      const low = u.data[1][i], high = u.data[2][i], text = (n) => n.toFixed(data.decimals) + (data.unit ? " " + data.unit : "");
      told.textContent = new Date(u.data[0][i] * 1000).toLocaleString(document.documentElement.lang) + " · " + (low === high ? text(v) : text(low) + " – " + text(high));
    };
    const draw = () => {
      const all = columns();
      box.dataset.points = data.points.length;
      if (u) { u.destroy(); }
      box.replaceChildren();
      u = new uPlot(options(), all, box);
      box.dataset.ready = "true";
    };
    const zoom = (from, to) => {
      if (to - from < 20000) { const mid = (from + to) / 2; from = mid - 10000; to = mid + 10000; }
      live = to >= Date.now() - 5000;
      return fetchSpan(Math.round(from), Math.round(to));
    };
    let live = !new URL(location.href).searchParams.get("at");
    box.addEventListener("keydown", (e) => {
      if (!data) return;
      const span = data.to - data.from, step = span / 4, mid = (data.from + data.to) / 2;
      const go = { ArrowLeft: [data.from - step, data.to - step], ArrowRight: [data.from + step, data.to + step], "+": [mid - step, mid + step], "=": [mid - step, mid + step], "-": [mid - span, mid + span] }[e.key];
      if (e.key === "0" || e.key === "Escape") { e.preventDefault(); live = true; fetchSpan(); } else if (go) { e.preventDefault(); zoom(go[0], go[1]); }
    });
    box.addEventListener("dblclick", () => { live = true; fetchSpan(); });
    /* Two fingers zoom. */
    let pinch = null;
    box.addEventListener("touchstart", (e) => { if (e.touches.length === 2) pinch = [Math.abs(e.touches[0].clientX - e.touches[1].clientX), data.from, data.to]; }, { passive: true });
    box.addEventListener("touchend", (e) => { if (pinch && e.changedTouches.length) { const now = pinch[3]; if (now) { const f = pinch[0] / now, mid = (pinch[1] + pinch[2]) / 2, half = (pinch[2] - pinch[1]) / 2 * f; zoom(mid - half, mid + half); } pinch = null; } });
    box.addEventListener("touchmove", (e) => { if (pinch && e.touches.length === 2) pinch[3] = Math.max(20, Math.abs(e.touches[0].clientX - e.touches[1].clientX)); }, { passive: true });
    addEventListener("resize", () => { if (u && data) draw(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (data) draw(); });
    fetchSpan().catch(() => {});
    let due = 0;
    return (list) => {
      if (!data || !live) return;
      let fresh = false;
      for (const r of list) {
        if (r.device !== box.dataset.device || r.channel !== box.dataset.channel) continue;
        const n = data.points.length;
        if (n && r.at <= data.points[n - 1][0]) continue;
        data.points.push([r.at, r.value, r.value, r.value, r.at]);
        const shift = Math.max(0, r.at - data.to);
        data.from += shift; data.to += shift; fresh = true;
      }
      if (fresh && !due) due = requestAnimationFrame(() => { due = 0; box.dataset.points = data.points.length; u.setData(columns(), true); });
    };
  };

  const charts = [...document.querySelectorAll("[data-source]")].map(chart);
  document.addEventListener("tallyway:change", (e) => {
    if (e.detail.topic !== "readings" || !e.detail.data) return;
    tell(e.detail.data);
    charts.forEach((append) => append(e.detail.data));
  });
})();
