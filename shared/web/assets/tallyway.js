/* What helps where there is script. Every page and form works without. */
(() => {
  "use strict";
  const $ = (q, at = document) => at.querySelector(q);
  const $$ = (q, at = document) => [...at.querySelectorAll(q)];
  const root = document.documentElement;
  root.classList.add("scripted");

  /* Light or dark, at once and for the next pages. */
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.addEventListener("click", (e) => {
    const a = e.target.closest("[data-theme-switch]");
    if (!a) return;
    e.preventDefault();
    root.dataset.theme = dark() ? "light" : "dark";
    document.cookie = "tw_theme=" + root.dataset.theme + ";path=/;max-age=31536000;samesite=lax";
    document.dispatchEvent(new CustomEvent("tallyway:theme"));
  });

  /* Menus close on Escape and on a click elsewhere. */
  document.addEventListener("click", (e) => $$("[data-menu][open]").forEach((m) => { if (!m.contains(e.target)) m.open = false; }));
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") $$("[data-menu][open]").forEach((m) => { m.open = false; $("summary", m).focus(); });
  });

  /* A form is sent once, after a question where it asks one. */
  const ask = (form) => new Promise((answer) => {
    const d = document.createElement("dialog");
    const p = document.createElement("p");
    p.textContent = form.dataset.confirm;
    const acts = document.createElement("div");
    acts.className = "acts";
    const yes = $("button", form).cloneNode(true), no = document.createElement("button");
    yes.type = no.type = "button";
    no.className = "button";
    no.textContent = document.body.dataset.back;
    yes.onclick = () => { answer(true); d.close(); };
    no.onclick = () => d.close();
    d.onclose = () => { answer(false); d.remove(); };
    acts.append(yes, no);
    d.append(p, acts);
    document.body.append(d);
    d.showModal();
    no.focus();
  });
  document.addEventListener("click", (e) => { /* the question as a dialog, rather than unfolded */
    const s = e.target.closest("[data-ask] > summary");
    if (s) { e.preventDefault(); $("form", s.parentNode).requestSubmit(); }
  });
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (form.method !== "post") return;
    if (form.dataset.confirm && !form.dataset.asked) {
      e.preventDefault();
      if (await ask(form)) { form.dataset.asked = "1"; form.requestSubmit(); }
      return;
    }
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    setTimeout(() => { delete form.dataset.sent; form.removeAttribute("aria-busy"); }, 10000);
  });
  addEventListener("pageshow", () => $$("form[data-sent]").forEach((f) => { delete f.dataset.sent; delete f.dataset.asked; f.removeAttribute("aria-busy"); }));

  /* Instants are told in the reader's zone; the server knows but its own. */
  const chinese = root.lang.startsWith("zh");
  const told = new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", { year: "numeric", month: chinese ? "long" : "short", day: "numeric" });
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const localise = (at) => $$("time[datetime]", at).forEach((el) => {
    const when = new Date(el.dateTime);
    if (!/\d\d:\d\d$/.test(el.textContent) || isNaN(when)) return;
    el.textContent = (el.textContent.length > 5 ? told.format(when) + " " : "") + clock.format(when);
    el.title = when.toString();
  });
  localise(document);
  /* Sheets and PDFs are made by the server: it learns the zone for them here. */
  const place = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (place) document.cookie = "tw_zone=" + encodeURIComponent(place) + "; path=/; max-age=31536000; samesite=lax";

  /* Local times carry the reader's zone. */
  const zone = () => {
    const m = -new Date().getTimezoneOffset(), a = Math.abs(m);
    return (m < 0 ? "-" : "+") + String(Math.floor(a / 60)).padStart(2, "0") + ":" + String(a % 60).padStart(2, "0");
  };

  /* Repeated lines: the last one is the pattern of a new one. */
  const number = (box) => $$("[data-line]", box).forEach((line, i) => $$("[name],[id],[for],[href],[aria-describedby],[value][name=_remove],[data-scan]", line).forEach((el) => {
    const name = box.dataset.lines;
    for (const at of ["name", "id", "for", "href", "aria-describedby", "data-scan"]) {
      if (el.hasAttribute(at)) el.setAttribute(at, el.getAttribute(at)
        .replace(new RegExp("(^|\\b)" + name + "\\.\\d+\\."), "$1" + name + "." + i + ".")
        .replace(new RegExp("f-" + name + "-\\d+-", "g"), "f-" + name + "-" + i + "-"));
    }
    if (el.name === "_remove") el.value = name + "." + i;
  }));
  document.addEventListener("click", (e) => {
    const add = e.target.closest("[data-add]"), rem = e.target.closest("[data-remove]");
    if (add) {
      const box = $(`[data-lines="${add.dataset.add}"]`), last = box && $$("[data-line]", box).pop();
      if (!last) return;
      e.preventDefault();
      const line = last.cloneNode(true);
      $$("input,textarea,select", line).forEach((el) => {
        if (el.type === "checkbox") el.checked = false;
        else if (!el.hasAttribute("data-zone")) el.value = "";
        el.removeAttribute("aria-invalid");
      });
      $$(".error", line).forEach((el) => el.remove());
      $$(".wrong", line).forEach((el) => el.classList.remove("wrong"));
      last.after(line);
      number(box);
      ready(line);
      const first = $("input:not([type=hidden]),select,textarea", line);
      if (first) first.focus();
    } else if (rem) {
      const box = rem.closest("[data-lines]");
      if (!box || $$("[data-line]", box).length < 2) return;
      e.preventDefault();
      rem.closest("[data-line]").remove();
      number(box);
      const next = $("[data-add]", box.parentNode);
      if (next) next.focus();
    }
  });

  /* The camera reads a code into the field, where the browser can. */
  const scan = async (button) => {
    const field = document.getElementById(button.dataset.scan);
    const d = document.createElement("dialog"), v = document.createElement("video");
    d.className = "camera";
    v.playsInline = true;
    v.muted = true;
    d.append(v);
    document.body.append(d);
    let stream;
    const end = () => { if (stream) stream.getTracks().forEach((t) => t.stop()); d.remove(); field.focus(); };
    d.onclose = end;
    d.onclick = () => d.close();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      v.srcObject = stream;
      d.showModal();
      await v.play();
      const reader = new BarcodeDetector({ formats: ["qr_code", "data_matrix", "ean_13", "ean_8", "upc_a", "code_128", "itf"] });
      while (d.open) {
        const [code] = await reader.detect(v);
        if (code) {
          field.value = code.rawValue;
          field.dispatchEvent(new Event("input", { bubbles: true }));
          field.dispatchEvent(new CustomEvent("tallyway:scan", { bubbles: true, detail: code.rawValue }));
          d.close();
          break;
        }
        await new Promise((r) => setTimeout(r, 150));
      }
    } catch {
      end();
    }
  };
  document.addEventListener("click", (e) => { const b = e.target.closest("[data-scan]"); if (b) scan(b); });

  /* Filters work as soon as they are chosen. */
  document.addEventListener("change", (e) => {
    const f = e.target.closest("[data-filters]");
    if (f && e.target.matches("select")) f.requestSubmit();
  });
  document.addEventListener("submit", (e) => {
    if (!e.target.matches("[data-filters]")) return;
    $$("input,select", e.target).forEach((el) => { if (!el.value) el.disabled = true; });
  });

  /* Keys: / searches; j and k walk the rows. */
  document.addEventListener("keydown", (e) => {
    if (e.target.matches("input,textarea,select,[contenteditable]") || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "/") {
      const q = $("input[type=search]");
      if (q) { e.preventDefault(); q.focus(); q.select(); }
    } else if (e.key === "j" || e.key === "k") {
      const rows = $$("[data-rows] .row-link"), at = rows.indexOf(document.activeElement);
      const to = rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "j" ? 1 : -1)))];
      if (to) to.focus();
    }
  });

  /* Live regions: fetch the same page, put the changed regions in. */
  const swap = async (topics) => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "1" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(page);
    const kept = document.activeElement;
    $$("[data-live]").forEach((old) => {
      if (!topics.has(old.dataset.live) || !old.id) return;
      const fresh = page.getElementById(old.id);
      if (!fresh || fresh.outerHTML === old.outerHTML) return;
      const inside = old.contains(kept);
      if (inside && kept.matches("input,textarea,select")) return; /* never under somebody's hands */
      const same = inside && (kept.id ? "#" + CSS.escape(kept.id) : kept.getAttribute("href") ? `[href="${CSS.escape(kept.getAttribute("href"))}"]` : "");
      old.replaceWith(document.adoptNode(fresh));
      ready(fresh);
      fresh.classList.add("fresh");
      if (same) { const again = $(same, fresh); if (again) again.focus({ preventScroll: true }); }
      fresh.dispatchEvent(new CustomEvent("tallyway:fresh", { bubbles: true }));
    });
  };
  /* A region that names a source of its own, or stands in what does, is told by that one. */
  const sources = new Set($$("[data-live]").map((el) => (el.closest("[data-live-from]") || document.body).dataset[el.closest("[data-live-from]") ? "liveFrom" : "liveSource"]).filter(Boolean));
  if (window.EventSource) for (const source of sources) {
    let due = new Set(), timer = 0;
    const events = new EventSource(source);
    events.addEventListener("change", (e) => {
      due.add(JSON.parse(e.data).topic);
      document.dispatchEvent(new CustomEvent("tallyway:change", { detail: JSON.parse(e.data) }));
      if (!timer) timer = setTimeout(() => { const now = due; due = new Set(); timer = 0; swap(now).catch(() => {}); }, 250);
    });
    /* What happened between the page and the stream is looked up once. */
    if (source !== document.body.dataset.liveSource) events.addEventListener("open", () => swap(new Set($$("[data-live]").map((el) => el.dataset.live))).catch(() => {}), { once: true });
    addEventListener("pagehide", () => events.close(), { once: true });
  }

  /* What a piece of page needs when it appears. */
  const ready = (at) => {
    $$("[data-zone]", at).forEach((el) => { if (!el.value) el.value = zone(); });
    if ("BarcodeDetector" in window && navigator.mediaDevices) $$("[data-scan]", at).forEach((b) => { b.hidden = false; });
    $$("[data-dismiss]", at).forEach((b) => { b.hidden = false; b.onclick = () => b.closest("[data-toast]").remove(); });
    $$("[data-toast]", at).forEach((el) => setTimeout(() => el.remove(), 8000));
    const wrong = $("[data-problems]", at);
    if (wrong) wrong.focus();
  };
  ready(document);
})();
