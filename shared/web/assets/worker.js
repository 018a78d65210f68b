/* Stands between the pages and the house. With a network it changes nothing.
   Without one it shows the forms that it has kept, and keeps what they send
   until it can be sent: each with its own token, so that nothing is done twice,
   with the time at which it was entered, and with the user it belongs to. */
"use strict";
const COMMON = "tw-shell", PRIVATE = "tw-pages ";

addEventListener("install", (e) => e.waitUntil((async () => {
  const cache = await caches.open(COMMON);
  await Promise.all(SHELL.map((path) => cache.add(new Request(path, { cache: "no-cache", credentials: "omit" })).catch(() => {})));
  await skipWaiting();
})()));
addEventListener("activate", (e) => e.waitUntil(clients.claim()));

/* The queue and what is known of this browser. */
const opened = () => new Promise((done, failed) => {
  const r = indexedDB.open("tallyway", 1);
  r.onupgradeneeded = () => { r.result.createObjectStore("queue", { keyPath: "id" }); r.result.createObjectStore("facts"); };
  r.onsuccess = () => done(r.result);
  r.onerror = () => failed(r.error);
});
const store = async (name, mode, act) => {
  const db = await opened();
  try {
    return await new Promise((done, failed) => {
      const tx = db.transaction(name, mode), r = act(tx.objectStore(name));
      tx.oncomplete = () => done(r && r.result);
      tx.onerror = tx.onabort = () => failed(tx.error);
    });
  } finally { db.close(); }
};
const fact = (name) => store("facts", "readonly", (s) => s.get(name));
const setFact = (name, value) => store("facts", "readwrite", (s) => s.put(value, name));
const item = (id) => store("queue", "readonly", (s) => s.get(id));
const keep = (it) => store("queue", "readwrite", (s) => s.put(it));
const drop = (id) => store("queue", "readwrite", (s) => s.delete(id));
const queued = async (user) => (await store("queue", "readonly", (s) => s.getAll())).filter((it) => it.user === user).sort((a, b) => a.order - b.order);

const tell = async (what) => { for (const c of await clients.matchAll({ type: "window" })) c.postMessage(what); };

/* The pages of one user are kept; those of all others are forgotten. */
const keepPages = async (user) => {
  for (const name of await caches.keys()) if (name.startsWith(PRIVATE) && name !== PRIVATE + user) await caches.delete(name);
  await setFact("user", user);
};
const forget = async () => {
  for (const name of await caches.keys()) if (name.startsWith(PRIVATE)) await caches.delete(name);
  await setFact("user", "");
};

const attribute = (html, pattern) => {
  const m = html.match(pattern);
  return m ? m[1].replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replace(/&#43;/g, "+").replace(/&quot;/g, '"').replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&") : "";
};
const userOf = (html) => attribute(html, /<meta name="user" content="([^"]*)">/);
const csrfOf = (html) => attribute(html, /<meta name="csrf" content="([^"]*)">/);

const refresh = async (user) => {
  const answer = await fetch("/kept", { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const kept = await answer.json();
  if (kept.user !== user) return;
  const cache = await caches.open(PRIVATE + user), wanted = new Set(kept.pages), common = await caches.open(COMMON);
  for (const path of kept.pages) {
    const page = await fetch(path, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!page.ok || page.redirected) continue;
    const html = await page.text();
    if (userOf(html) !== user) return;
    if (await fact("user") !== user) return;
    await cache.put(path, new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.headers.get("Content-Security-Policy") || "", "X-Kept": new Date().toISOString() } }));
    for (const m of html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) if (!await common.match(m[1])) await common.add(m[1]).catch(() => {});
  }
  for (const old of await cache.keys()) if (!wanted.has(new URL(old.url).pathname)) await cache.delete(old);
  if (await fact("user") !== user) await caches.delete(PRIVATE + user);
};

/* A kept page is a new filling of its form each time. */
const fromCache = async (url) => {
  const user = await fact("user");
  const found = user && await (await caches.open(PRIVATE + user)).match(url.pathname, { ignoreVary: true });
  if (!found) return (await (await caches.open(COMMON)).match("/offline", { ignoreVary: true })) || Response.error();
  const once = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const html = (await found.text()).replace(/name="once" value="[^"]*"/g, 'name="once" value="' + once + '"').replace("<html ", '<html data-kept="' + found.headers.get("X-Kept") + '" ');
  return new Response(html, { headers: found.headers });
};

const asset = async (request) => {
  const cache = await caches.open(COMMON), found = await cache.match(request, { ignoreVary: true });
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) cache.put(request, answer.clone()).catch(() => {});
  return answer;
};

const offset = (at) => {
  const m = -at.getTimezoneOffset(), a = Math.abs(m);
  return (m < 0 ? "-" : "+") + String(Math.floor(a / 60)).padStart(2, "0") + ":" + String(a % 60).padStart(2, "0");
};
/* The time here, to the second, with its offset. */
const here = (at) => new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19) + offset(at);

const post = async (request) => {
  const path = new URL(request.url).pathname, copy = request.clone();
  let entries = null;
  try { entries = [...new URLSearchParams(await copy.text())]; } catch { /* a file: it is not kept */ }
  const get = (name) => (entries.find((e) => e[0] === name) || ["", ""])[1];
  try {
    const answer = await fetch(request);
    if (path === "/logout") await forget();
    else if (answer.type === "opaqueredirect" && entries && get("once")) { await drop(get("once")); tell({ queue: true }); }
    return answer;
  } catch (failed) {
    if (path === "/logout") { await forget(); return Response.redirect("/offline", 303); }
    if (!entries || !get("_user") || !get("once") || get("_add") || get("_remove")) throw failed;
    await hold(path, entries, get);
    return Response.redirect("/waiting", 303);
  }
};

const hold = async (path, entries, get) => {
  const before = await item(get("once")), now = new Date();
  const kept = entries.filter((e) => !["csrf", "once", "_user", "_said", "_form"].includes(e[0]));
  const typed = kept.find((e) => e[0] === "at");
  const at = typed && typed[1] || before && before.at || here(now);
  if (typed && !typed[1]) typed[1] = at; else if (!typed) kept.push(["at", at]);
  await keep({ id: get("once"), user: get("_user"), path, form: get("_form") || path, said: get("_said"), entries: kept, at, order: before ? before.order : now.getTime(), state: "waiting", problem: null });
  if (self.registration.sync) await self.registration.sync.register("queue").catch(() => {});
};

/* Sends in order what the present user has waiting. Whoever else has signed in
   sends nothing of it. */
let sending = null;
const send = () => sending = sending || sendAll().finally(() => { sending = null; });
const sendAll = async () => {
  const user = await fact("user");
  if (!user) return;
  for (const it of await queued(user)) {
    if (it.state === "refused") continue;
    const outcome = await sendOne(it).catch(() => "later");
    if (outcome === "sent") await drop(it.id);
    else if (outcome.problem) await keep(Object.assign(it, { state: "refused", problem: outcome.problem }));
    else { if (outcome === "signin" && it.state !== "signin") await keep(Object.assign(it, { state: "signin" })); break; }
    await tell({ queue: true });
  }
  await tell({ queue: true });
};

const sendOne = async (it) => {
  for (let tries = 0; tries < 2; tries++) {
    const page = await fetch("/waiting", { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
    const html = await page.text();
    if (page.redirected || page.status === 401 || page.ok && userOf(html) !== it.user) return "signin";
    if (!page.ok || !await item(it.id)) return "later";
    const body = new URLSearchParams(it.entries);
    body.set("once", it.id);
    body.set("csrf", csrfOf(html));
    const answer = await fetch(it.path, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect") return "sent";
    if (answer.status === 401) return "signin";
    if (answer.status === 429 || answer.status >= 500) return "later";
    const problem = await answer.json().catch(() => null);
    if (!problem || !problem.code) return "later";
    if (problem.code === "web/forged") continue;
    if (/^(web\/(busy|too-many)$|ledger\/|idempotency\/)/.test(problem.code)) return "later";
    return { problem: { code: problem.code, title: problem.title || "", detail: problem.detail || "", remedy: problem.remedy || "", field: problem.field || "" } };
  }
  return "later";
};

addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (url.origin !== location.origin) return;
  if (e.request.method === "POST" && e.request.mode === "navigate") e.respondWith(post(e.request));
  else if (e.request.method !== "GET") return;
  else if (url.pathname.startsWith("/assets/")) e.respondWith(asset(e.request));
  else if (e.request.mode === "navigate") e.respondWith(fetch(e.request).catch(() => fromCache(url)));
});
addEventListener("sync", (e) => { if (e.tag === "queue") e.waitUntil(send()); });
addEventListener("message", (e) => e.waitUntil((async () => {
  const ask = e.data, reply = (v) => { if (e.ports[0]) e.ports[0].postMessage(v); };
  switch (ask.do) {
    case "keep": await keepPages(ask.user); if (ask.fresh) await refresh(ask.user).catch(() => {}); await send(); return reply(true);
    case "list": return reply(await queued(ask.user));
    case "get": { const it = await item(ask.id); return reply(it && it.user === ask.user ? it : null); }
    case "drop": { const it = await item(ask.id); if (it && it.user === ask.user) await drop(ask.id); await tell({ queue: true }); return reply(true); }
    case "send": {
      for (const it of await queued(ask.user)) if (it.state === "signin" || ask.again && it.id === ask.again) await keep(Object.assign(it, { state: "waiting", problem: null }));
      await send();
      return reply(true);
    }
  }
})()));
