"use strict";
const byId = (id) => document.getElementById(id);
const state = byId("state"), said = byId("said"), lost = byId("lost"), sure = byId("sure");
const stale = Number(document.body.dataset.stale) * 1000;

// Times as the reader's clock has them.
function localise(root) {
  for (const t of root.querySelectorAll("time")) {
    const then = new Date(t.dateTime), today = then.toDateString() === new Date().toDateString();
    t.textContent = today ? then.toLocaleTimeString() : then.toLocaleString();
  }
}

// What is there becomes like what was sent, and only where it differs: a focus, a selection and a screen reader's place stay.
const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
function adapt(old, now) {
  const wanted = new Set(Array.from(now.children, keyOf)), known = new Map();
  for (const child of Array.from(old.children)) {
    const key = keyOf(child);
    if (key === undefined) continue;
    if (wanted.has(key)) known.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const want of Array.from(now.childNodes)) {
    const key = keyOf(want), have = key === undefined ? like(want, at) : known.get(key);
    if (!have || have.nodeName !== want.nodeName) {
      old.insertBefore(want, at);
      continue;
    }
    while (at && at !== have && keyOf(at) === undefined) at = without(at); // so that what stays is not moved
    if (have === at) at = at.nextSibling;
    else old.insertBefore(have, at);
    become(have, want);
  }
  while (at) at = without(at);
}
// The one that can become what is wanted, at this place or, of elements, behind it: a banner above them may have gone.
function like(want, at) {
  const fits = (node) => node.nodeName === want.nodeName && keyOf(node) === undefined;
  while (at && !fits(at) && want.nodeType === Node.ELEMENT_NODE) at = at.nextSibling;
  return at && fits(at) ? at : undefined;
}
function without(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
function become(have, want) {
  if (have.isEqualNode(want)) return;
  if (have.nodeType !== Node.ELEMENT_NODE) {
    have.nodeValue = want.nodeValue;
    return;
  }
  for (const a of Array.from(have.attributes)) if (!want.hasAttribute(a.name)) have.removeAttribute(a.name);
  for (const a of want.attributes) if (have.getAttribute(a.name) !== a.value) have.setAttribute(a.name, a.value);
  adapt(have, want);
}

// What each job is, to tell those who can't see it what has changed.
function states() {
  const all = new Map();
  for (const job of state.querySelectorAll("[data-key]")) {
    const is = job.querySelector(".state"), name = job.querySelector("h3, .name");
    if (is && name) all.set(job.dataset.key, name.textContent + ": " + is.textContent);
  }
  return all;
}
function show(html) {
  const before = states(), sent = new DOMParser().parseFromString("<div>" + html + "</div>", "text/html").body.firstChild;
  localise(sent);
  const had = document.activeElement, beside = had?.closest(".verbs");
  adapt(state, sent);
  // What moved has lost the focus, and a button that is no more leaves it to the first one beside it.
  if (document.activeElement !== had) (had.isConnected ? had : beside?.querySelector("button"))?.focus({preventScroll: true});
  document.title = state.querySelector("header").dataset.title;
  const news = [];
  for (const [key, now] of states()) if (before.get(key) !== now) news.push(now);
  if (news.length) byId("news").textContent = news.slice(0, 5).join("; ");
}

// The master sends the page whenever something changes, and a sign of life in between.
let source, heard = Date.now();
function alive() {
  heard = Date.now();
  lost.hidden = true;
}
function listen() {
  source?.close();
  source = new EventSource("events");
  source.addEventListener("page", (e) => { show(e.data); alive(); });
  source.addEventListener("asof", (e) => {
    const time = state.querySelector(".asof time");
    if (time) {
      time.dateTime = e.data;
      localise(time.parentNode);
    }
    alive();
  });
  source.onerror = () => {
    lost.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
}
setInterval(() => { if (!document.hidden && Date.now() - heard > stale) lost.hidden = false; }, 5000);
// A browser opens few connections to one host: a page that nobody looks at needs none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) source.close();
  else { heard = Date.now(); listen(); }
});

let fades;
function say(text, wrong) {
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.hidden = false;
  clearTimeout(fades);
  fades = setTimeout(() => { said.hidden = true; }, 8000);
}
async function ask(things, word, verb, body) {
  const answer = await fetch("api/v1/" + things + "/" + encodeURIComponent(word) + "/" + verb,
    {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  const told = await answer.json();
  if (answer.status === 401) {
    document.body.classList.remove("steers");
    byId("login").hidden = false;
    byId("logout").hidden = true;
  }
  if (!answer.ok) throw new Error(told.detail);
  return told.text;
}

// Those that a verb for all is meant for.
const open = (j) => !j.decided && !["done", "skipped", "cancelled"].includes(j.state);
const fits = {pause: (j) => open(j) && !j.paused, resume: (j) => open(j) && j.paused, cancel: open, retry: (j) => j.state === "failed"};
async function wordsFor(verb) {
  const s = await (await fetch("status.json")).json();
  const films = verb === "retry" ? [] : s.inbox.filter((f) => !f.why && fits[verb]({state: "", ...f}));
  const refused = verb === "retry" ? s.rejected : [];
  return [...s.jobs.filter(fits[verb]).map((j) => j.id), ...films.map((f) => "inbox/" + f.name), ...refused.map((r) => "failed/" + r.name)];
}
async function askAll(verb) {
  const wrong = [];
  let done = 0;
  for (const word of await wordsFor(verb)) {
    try { await ask("jobs", word, verb, {}); done++; } catch (e) { wrong.push(e.message); }
  }
  say([verb + ": " + done, ...wrong.slice(0, 3)].join("\n"), wrong.length > 0);
}

function confirmed(question) {
  byId("question").textContent = question;
  sure.returnValue = "no";
  sure.showModal();
  return new Promise((done) => sure.addEventListener("close", () => done(sure.returnValue === "yes"), {once: true}));
}
// What goes with a verb.
const bodies = {priority: (of) => ({priority: Number(of.priority)}), rest: (of) => ({now: "now" in of})};
state.addEventListener("click", async (e) => {
  const button = e.target.closest("button[data-verb]");
  if (!button) return;
  const verb = button.dataset.verb, of = button.closest(".verbs"), all = "all" in of.dataset;
  const word = of.dataset.word, body = bodies[verb]?.(button.dataset) ?? {};
  if (verb === "cancel" && !await confirmed(all ? "Cancel all jobs and all that wait?" : "Cancel " + of.getAttribute("aria-label") + "?")) return;
  button.setAttribute("aria-busy", "true");
  try {
    if (all) await askAll(verb);
    else say(await ask(of.dataset.things, word, verb, body), false);
  } catch (problem) {
    say(problem.message, true);
  }
  button.removeAttribute("aria-busy");
});

localise(state);
listen();
