"use strict";
const body = document.body, number = (name) => Number(body.dataset[name]) * 1000;
for (const t of document.querySelectorAll("time")) {
  const then = new Date(t.dateTime), today = then.toDateString() === new Date().toDateString();
  t.textContent = today ? then.toLocaleTimeString() : then.toLocaleString();
}
const read = new Date(body.dataset.read);
const look = () => { document.getElementById("stale").hidden = Date.now() - read < number("stale"); };
look();
setInterval(look, 5000);
setTimeout(() => location.reload(), number("refresh"));
