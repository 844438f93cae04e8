// How the page shows things: records, notes, events, and where the connection is. It knows nothing of the connection itself.
"use strict";

const MOST_SHOWN = 5000, MOST_EVENTS = 100;

const byId = (id) => document.getElementById(id);

const isFollowed = () => byId("log").scrollHeight - byId("log").scrollTop - byId("log").clientHeight < 60;
const follow = () => { byId("log").scrollTop = byId("log").scrollHeight; };

function append(item) {
  const isAtEnd = isFollowed();
  added("records", item, MOST_SHOWN);
  if (isAtEnd) follow();
  return item;
}

function added(list, item, most) {
  byId(list).append(item);
  while (byId(list).children.length > most) byId(list).firstElementChild.remove();
}

const noted = (text, kind = "") => Object.assign(document.createElement("li"), { className: `note ${kind}`, textContent: text });

function line(record, user, kind = "") {
  const item = record.type === "removed" ? noted(`${record.user} is no longer a member`) : document.createElement("li");
  item.dataset.sequence = record.sequence;
  if (record.type === "removed") return item;
  item.className = `${record.sender === user ? "own" : ""} ${kind}`;
  item.append(span("who", record.sender), span("text", record.text), timeOf(new Date(record.at_ms)));
  return item;
}

const span = (kind, text) => Object.assign(document.createElement("span"), { className: kind, textContent: text });

function timeOf(date) {
  return Object.assign(document.createElement("time"), { dateTime: date.toISOString(), textContent: date.toTimeString().slice(0, 8) });
}

function event(words) {
  const item = document.createElement("li");
  item.append(timeOf(new Date()), span("", words));
  added("events", item, MOST_EVENTS);
  byId("events").scrollTop = byId("events").scrollHeight;
}

function status(words, kind) {
  Object.assign(byId("status"), { textContent: words, className: kind });
}
