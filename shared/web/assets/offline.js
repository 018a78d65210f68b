/* What a page says of the network: how old a kept page is, what waits to be
   sent, and what was refused. The worker does the rest. */
(() => {
  "use strict";
  const $ = (q, at = document) => at.querySelector(q);
  const $$ = (q, at = document) => [...at.querySelectorAll(q)];
  const meta = (name) => { const m = $(`meta[name="${name}"]`); return m ? m.content : ""; };
  const user = meta("user"), kept = document.documentElement.dataset.kept, words = ($("[data-offline-words]") || {}).dataset;
  if (!("serviceWorker" in navigator) || !user || !words) return;

  const ask = async (what) => {
    const worker = (await navigator.serviceWorker.ready).active, line = new MessageChannel();
    return new Promise((done) => { line.port1.onmessage = (e) => done(e.data); worker.postMessage(Object.assign({ user }, what), [line.port2]); });
  };
  const make = (tag, props = {}, ...inside) => { const el = Object.assign(document.createElement(tag), props); el.append(...inside); return el; };
  const fill = (text, ...facts) => facts.reduce((t, f) => t.replace("%s", f), text);
  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon"); svg.setAttribute("aria-hidden", "true"); use.setAttribute("href", "#i-" + name); svg.append(use);
    return svg;
  };
  const told = (iso) => new Intl.DateTimeFormat(document.documentElement.lang.startsWith("zh") ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
  const banner = (id, tone, title, text, link) => {
    const old = $("#" + id);
    if (old) old.remove();
    if (!title) return;
    const b = make("div", { id, className: "banner " + tone }, icon(tone), make("div", {}, make("strong", { textContent: title }), " ", make("span", { textContent: text })));
    b.setAttribute("role", "status");
    if (link) b.append(make("a", { href: link, textContent: words.open }));
    $("main").prepend(b);
  };

  /* A page that was kept says so, and how old what it offers is. */
  if (kept) {
    const minutes = Math.max(0, Math.round((Date.now() - new Date(kept)) / 60000));
    banner("net-kept", "warn", words.none, fill(minutes < 90 ? words.minutes : words.hours, told(kept), minutes < 90 ? minutes : Math.round(minutes / 60)));
  }

  const count = async () => {
    const all = await ask({ do: "list" }), refused = all.filter((it) => it.state === "refused").length, waiting = all.length - refused;
    if ($("[data-waiting]")) return list(all);
    if (refused) banner("net-queue", "bad", fill(words.someRefused, refused), "", "/waiting");
    else banner("net-queue", "busy", waiting ? fill(words.someWaiting, waiting) : "", "", "/waiting");
  };

  /* The page of what waits. */
  const list = (all) => {
    const box = $("[data-waiting]");
    box.replaceChildren();
    $("[data-waiting-none]").hidden = all.length > 0;
    $("[data-waiting-send]").hidden = !all.some((it) => it.state !== "refused");
    for (const it of all) {
      const tone = it.state === "refused" ? "bad" : it.state === "signin" ? "warn" : "busy";
      const body = make("div", { className: "need-body" }, make("p", { className: "need-text", textContent: it.said || it.path }), make("p", { textContent: fill(words.at, told(it.at)) + " · " + words[{ waiting: "stateWaiting", refused: "stateRefused", signin: "signin" }[it.state]] }));
      if (it.problem) {
        const p = make("p", { className: "error" }, make("span", { textContent: [it.problem.title, it.problem.detail].filter(Boolean).join(" ") + " " }, make("small", { textContent: " " + it.problem.remedy })));
        p.dataset.code = it.problem.code;
        body.append(p);
      }
      const acts = make("div", { className: "acts" });
      if (it.state === "signin") acts.append(make("a", { className: "button main", href: "/login?next=/waiting", textContent: words.login }));
      acts.append(make("a", { className: "button", href: it.form + "#waiting=" + it.id, textContent: words.edit }));
      if (it.state === "refused") acts.append(make("button", { className: "button", type: "button", textContent: words.again, onclick: () => ask({ do: "send", again: it.id }) }));
      acts.append(make("button", { className: "button danger", type: "button", textContent: words.drop, onclick: async () => { if (confirm(words.sure)) { await ask({ do: "drop", id: it.id }); count(); } } }));
      const line = make("li", { className: "need " + tone }, icon(tone), body, acts);
      line.dataset.state = it.state;
      box.append(line);
    }
  };

  /* A form that is entered now happened now, whenever it is sent; unless this
     device's clock is far from the house's. */
  const offset = (at) => { const m = -at.getTimezoneOffset(), a = Math.abs(m); return (m < 0 ? "-" : "+") + String(Math.floor(a / 60)).padStart(2, "0") + ":" + String(a % 60).padStart(2, "0"); };
  const here = (at) => new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 23);
  const sane = kept || Math.abs(new Date(meta("made")) - Date.now()) < 300000;
  const summary = (form) => {
    const said = $$("input:not([type=hidden]):not([type=checkbox]):not([type=file]),select,textarea", form)
      .filter((el) => el.value && !/^(share\.|at$|tolerance$)/.test(el.name)).map((el) => el.tagName === "SELECT" ? el.selectedOptions[0].text.split(" · ")[0] : el.value);
    const ticked = $$("input[name=packs]:checked", form).map((el) => "SSCC " + el.value.replace("00/", ""));
    return ($("h1") ? $("h1").textContent.trim() : "") + ": " + said.concat(ticked).join(", ").slice(0, 300);
  };
  document.addEventListener("formdata", (e) => {
    const form = e.target;
    if (!form.hasAttribute("data-offline")) return;
    e.formData.set("_user", user);
    e.formData.set("_form", location.pathname);
    e.formData.set("_said", summary(form));
    const at = e.formData.get("at");
    if (!at && sane) e.formData.set("at", here(new Date()) + offset(new Date()));
    else if (at && !/[Z+]|-\d\d:\d\d$/.test(at.slice(10))) e.formData.set("at", (at.length === 16 ? at + ":00" : at) + (e.formData.get("at.zone") || offset(new Date(at))));
  });

  /* One that waits is taken up again. */
  const take = async (id) => {
    const form = $("form[data-offline]"), it = form && await ask({ do: "get", id });
    if (!it) return;
    const wanted = (name) => it.entries.filter((e) => e[0] === name).map((e) => e[1]);
    for (const [name] of it.entries) {
      const group = name.match(/^(\w+)\.(\d+)\./);
      for (let n = 0; group && !form.elements[name] && n <= +group[2]; n++) { const add = $(`[data-add="${group[1]}"]`, form); if (!add) break; add.click(); }
    }
    $$("input[type=checkbox]", form).forEach((el) => { el.checked = wanted(el.name).includes(el.value); });
    for (const [name, value] of it.entries) {
      let el = form.elements[name];
      if (!el && name === "at") form.append(el = make("input", { type: "hidden", name: "at" }));
      if (!el || el instanceof RadioNodeList || el.type === "checkbox") continue;
      if (el.tagName === "SELECT" && value && ![...el.options].some((o) => o.value === value)) el.append(new Option(value, value));
      if (el.type === "datetime-local") el.step = "1"; /* it was entered to the second */
      el.value = el.type === "datetime-local" ? value.slice(0, 19) : value;
    }
    if (form.elements["at.zone"]) form.elements["at.zone"].value = it.at.slice(19).replace(/^\.\d+/, "") || offset(new Date());
    form.elements.once.value = it.id;
    if (it.problem) blame(form, it.problem);
  };
  const blame = (form, problem) => {
    const text = [problem.title, problem.detail, problem.remedy].filter(Boolean).join(" ");
    const field = problem.field && document.getElementById("f-" + problem.field.replace(/\./g, "-")), box = field && field.closest(".field");
    const note = make("p", { className: "error", id: field ? field.id + "-error" : "f-error" }, icon("bad"), make("span", { textContent: text }));
    note.dataset.code = problem.code;
    if (!box) return form.prepend(note);
    box.classList.add("wrong");
    box.append(note);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", note.id);
    field.focus();
  };

  /* A page that comes back from the browser's own memory is a new filling. */
  addEventListener("pageshow", (e) => { if (e.persisted && $("form[data-offline]")) location.reload(); });
  navigator.serviceWorker.addEventListener("message", (e) => { if (e.data.queue) count(); });
  addEventListener("online", () => ask({ do: "send" }));
  document.addEventListener("click", (e) => { if (e.target.closest("[data-waiting-send]")) ask({ do: "send" }); });
  (async () => {
    await navigator.serviceWorker.register("/worker.js", { scope: "/" });
    await count();
    const id = location.hash.match(/^#waiting=(\w+)/);
    if (id) await take(id[1]);
    const due = "tw-kept " + user, fresh = !kept && (Date.now() - (+sessionStorage.getItem(due) || 0) > 60000 || /lots\/|shipments\//.test(location.pathname));
    if (fresh) sessionStorage.setItem(due, Date.now());
    await ask({ do: "keep", fresh });
    document.documentElement.dataset.ready = "kept";
    await count();
  })().catch(() => {});
})();
