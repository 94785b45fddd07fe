"use strict";
(() => {
const byId = (id) => document.getElementById(id);
const steers = () => document.body.classList.contains("steers");
const api = (path) => "api/v1/" + path;
const atOnce = 2, shownFirst = 50, longest = 60000;

// A size for people, in the units of the rest of the page.
function size(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let u = 0;
  for (n = Math.abs(n); n >= 1024 && u < units.length - 1; u++) n /= 1024;
  return (u && n < 10 ? n.toFixed(1) : Math.round(n)) + " " + units[u];
}
function element(name, text, more = {}) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  return Object.assign(e, more);
}
function tellAll(text) { byId("carried-news").textContent = text; }

// A problem says what is wrong; one that may pass by itself is worth another try.
class Problem extends Error {
  constructor(status, told) {
    super(told.detail || "the master answered " + status);
    this.busy = told.kind === "busy";
    this.again = [408, 429, 500, 502, 503, 504].includes(status) && told.kind !== "many" ||
      status === 409 && ["busy", "offset"].includes(told.kind);
  }
}
function parsed(text) { try { return JSON.parse(text); } catch { return {}; } }
async function ask(address, options) {
  const answer = await fetch(address, options), told = parsed(await answer.text());
  if (!answer.ok) throw new Problem(answer.status, told);
  return told;
}

// An upload is one film on its way, or one that waits for its turn.
class Upload {
  constructor(file, path, wishes) {
    this.file = file;
    this.path = path;
    const query = new URLSearchParams({modified: file.lastModified, ...wishes});
    this.address = api("inbox/" + path.split("/").map(encodeURIComponent).join("/") + "?" + query);
    this.state = "waiting";
    this.row();
  }
  row() {
    this.item = element("li");
    this.bar = element("progress", undefined, {max: this.file.size || 1, value: 0});
    this.bar.setAttribute("aria-label", this.path);
    this.text = element("small", "waits for its turn");
    this.stop = element("button", "Stop", {type: "button", onclick: () => this.cancel()});
    this.retry = element("button", "Try again", {type: "button", hidden: true, onclick: () => this.anew()});
    for (const b of [this.stop, this.retry]) b.setAttribute("aria-label", b.textContent + ": " + this.path);
    const row = element("div", undefined, {className: "row"});
    row.append(this.text, this.stop, this.retry);
    this.item.append(element("span", this.path, {className: "name"}), this.bar, row);
    byId("uploads").append(this.item);
    byId("uploads").hidden = false;
  }
  say(text, state) {
    this.text.textContent = text;
    if (state) this.become(state);
  }
  become(state) {
    this.state = state;
    this.stop.hidden = state === "done" || state === "failed";
    this.retry.hidden = state !== "failed";
    this.item.className = state === "failed" ? "failed" : "";
    this.text.className = state === "failed" ? "why" : "";
    this.bar.hidden = state === "failed" && !this.bar.value; // nothing of it is there
  }
  async run() {
    this.become("sending");
    for (let pause = 1000; this.state === "sending";) {
      const before = this.bar.value;
      try {
        const got = await this.once();
        if (got.complete) {
          this.bar.value = this.bar.max;
          this.say("handed in: " + got.name, "done");
          tellAll(this.path + ": handed in");
          return;
        }
      } catch (e) {
        if (this.state !== "sending") return;
        if (e instanceof Problem && !e.again) {
          this.say(e.message, "failed");
          tellAll(this.path + ": " + e.message);
          return;
        }
        this.sent ||= e.busy; // by another page, or this one before it was closed
        if (this.bar.value > before) pause = 1000;
        this.say((e instanceof Problem ? e.message : "the connection broke") + "; trying again …");
      }
      await this.wait(pause * (0.75 + Math.random() / 2));
      pause = Math.min(2 * pause, longest);
    }
  }
  // once asks how much is there and sends the rest.
  async once() {
    if (this.sent) { // the film may be whole, and only the answer was lost
      const got = await ask(this.address).catch(() => ({}));
      if (got.complete && got.total === this.file.size) return got;
    }
    const got = await ask(this.address, {method: "PUT", headers: {"Content-Range": "bytes */" + this.file.size}});
    return got.complete ? got : await this.part(got.offset);
  }
  part(from) {
    if (this.state !== "sending") return Promise.reject(new Error("stopped"));
    return new Promise((done, broken) => {
      const r = this.request = new XMLHttpRequest(), began = Date.now(), total = this.file.size;
      const moved = (n) => {
        this.bar.value = from + n;
        const took = (Date.now() - began) / 1000;
        this.text.textContent = Math.floor(100 * (from + n) / total) + "%, " + size(from + n) + " of " + size(total) +
          (took > 2 ? ", " + size(n / took) + "/s" : "");
      };
      moved(0);
      r.open("PUT", this.address);
      r.setRequestHeader("Content-Range", "bytes " + from + "-" + (total - 1) + "/" + total);
      r.setRequestHeader("Upload-Offset", String(from)); // the browser may send it twice, and the film must not begin anew
      r.setRequestHeader("Content-Type", "application/octet-stream");
      r.upload.onprogress = (e) => moved(e.loaded);
      r.upload.onload = () => { this.text.textContent = "all is sent; the master looks at it …"; };
      r.onload = () => {
        const told = parsed(r.responseText);
        if (r.status < 300) done(told);
        else broken(new Problem(r.status, told));
      };
      r.onerror = r.onabort = () => broken(new Error("the connection broke"));
      this.sent = true;
      r.send(this.file.slice(from));
    });
  }
  // wait ends early when the browser says that there is a network again, or the film is stopped.
  wait(time) {
    return new Promise((over) => {
      const end = () => { clearTimeout(timer); window.removeEventListener("online", end); over(); };
      const timer = setTimeout(end, time);
      this.wake = end;
      window.addEventListener("online", end);
    });
  }
  cancel() {
    const was = this.state;
    this.say("stopped; what came is kept for a week", "failed");
    if (was === "sending") {
      this.request?.abort();
      this.wake?.();
    }
  }
  anew() {
    this.say("waits for its turn", "waiting");
    work();
  }
}

const queue = [];
let running = 0;
function work() {
  for (let next; running < atOnce && (next = queue.find((u) => u.state === "waiting"));) {
    running++;
    next.run().finally(() => { running--; work(); refresh(); });
  }
}
function unread(path, problem) {
  const item = element("li", undefined, {className: "failed"}), why = "can't be read: " + problem.message;
  item.append(element("span", path, {className: "name"}), " ", element("small", why, {className: "why"}));
  byId("uploads").append(item);
  byId("uploads").hidden = false;
  tellAll(path + ": " + why);
}
function add(files) {
  const wishes = {}, profile = byId("profile").value, priority = Number(byId("priority").value);
  if (profile) wishes.profile = profile;
  if (priority) wishes.priority = priority;
  for (const {path, problem} of files.filter((f) => f.problem)) unread(path, problem);
  files = files.filter((f) => f.file);
  for (const {file, path} of files) queue.push(new Upload(file, path, wishes));
  if (files.length) tellAll(files.length + (files.length === 1 ? " film is" : " films are") + " being handed in");
  work();
}
window.addEventListener("beforeunload", (e) => {
  if (queue.some((u) => u.state === "sending" || u.state === "waiting")) e.preventDefault();
});

// What was dropped, with the folders that it lay in.
// One that can't be read keeps no other back.
async function walk(entry, path, found) {
  path += entry.name;
  try {
    if (entry.isFile) {
      found.push({file: await new Promise((ok, no) => entry.file(ok, no)), path});
      return;
    }
    const reader = entry.createReader();
    for (;;) { // a reader gives a hundred at a time
      const some = await new Promise((ok, no) => reader.readEntries(ok, no));
      if (!some.length) return;
      for (const one of some) await walk(one, path + "/", found);
    }
  } catch (problem) {
    found.push({path, problem});
  }
}
async function dropped(data) {
  const entries = Array.from(data.items, (i) => i.webkitGetAsEntry?.()), plain = Array.from(data.files);
  if (!entries.some(Boolean)) return plain.map((file) => ({file, path: file.name}));
  const found = [];
  for (const e of entries) if (e) await walk(e, "", found);
  return found;
}
const drop = byId("drop");
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  window.addEventListener(kind, (e) => {
    if (!steers() || !e.dataTransfer?.types.includes("Files")) return;
    e.preventDefault();
    drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") dropped(e.dataTransfer).then(add);
  });
}
for (const [button, input] of [["choose-files", "files-input"], ["choose-folder", "folder-input"]]) {
  byId(button).onclick = () => byId(input).click();
  byId(input).onchange = () => {
    add(Array.from(byId(input).files, (file) => ({file, path: file.webkitRelativePath || file.name})));
    byId(input).value = "";
  };
}

// The outbox, and a player for what this browser may play.
let most = shownFirst, outputs = "";
function output(o) {
  const item = element("li"), row = element("div", undefined, {className: "row"});
  const saved = o.source_size ? ", " + size(o.source_size) + " before" : "";
  const time = element("time", new Date(o.time).toLocaleString(), {dateTime: o.time}), about = element("small");
  about.append(size(o.size) + saved + ", ", time);
  const link = (text, more) => {
    const a = element("a", text, more);
    a.setAttribute("aria-label", text + ": " + o.name);
    row.append(a);
  };
  link("Download", {href: api(o.href), download: ""});
  if (o.plays && byId("video").canPlayType(o.plays)) {
    const play = element("button", "Play", {type: "button", onclick: () => show(o)});
    play.setAttribute("aria-label", "Play: " + o.name);
    row.append(play);
  }
  if (o.certificate) link("Certificate", {href: api(o.certificate), target: "_blank", rel: "noopener"});
  item.append(element("span", o.name, {className: "name"}), " ", about, row);
  return item;
}
async function refresh() {
  if (!steers() || document.hidden) return;
  const {outputs: all} = await ask(api("outbox")).catch(() => ({}));
  if (!all) return;
  const now = JSON.stringify([most, all]);
  if (now === outputs) return; // a focus in the list stays
  outputs = now;
  byId("outbox").replaceChildren(...all.slice(0, most).map(output));
  byId("outbox").hidden = !all.length;
  byId("outbox-none").hidden = all.length > 0;
  byId("outbox-more").hidden = all.length <= most;
}
byId("outbox-more").onclick = () => { most += 200; refresh(); };

const player = byId("player"), video = byId("video");
function show(o) {
  byId("player-title").textContent = o.name;
  byId("player-why").hidden = true;
  video.src = api(o.href) + "?inline=1";
  player.showModal();
  video.play().catch(() => {}); // the browser may want a press on its own button
}
const unplayable = () => { if (player.open) byId("player-why").hidden = false; };
video.onerror = unplayable;
video.onplaying = () => { if (!video.videoWidth) unplayable(); }; // the sound alone, of pictures that it does not know
player.addEventListener("close", () => { video.removeAttribute("src"); video.load(); });

async function profiles() {
  const {profiles: names = []} = await ask(api("profiles")).catch(() => ({}));
  byId("profile").append(...names.map((n) => element("option", n, {value: n})));
}
if (steers()) {
  profiles();
  refresh();
  setInterval(refresh, 15000);
}
})();
