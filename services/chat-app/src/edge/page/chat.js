// A client of the chat. It shows each record of its room once and in order, whatever happens to its connection: it keeps its
// position, and comes back with it, at the next gateway. `?user=` and `?room=` fill the form; `?also=host:port,...` names further
// gateways on the same host.
//
// Sockets go to any gateway. Everything else asks the one that the page is from: while that is away nobody's presence is known,
// and a history that has to be read is read when it is back.
"use strict";

// How long a gateway may take to say that it is ready, and to answer a message.
const READY_WITHIN_MS = 5000, ANSWERS_WITHIN_MS = 5000;
// A connection that has lasted so long is a good one: the next attempts begin soon again.
const LASTED_MS = 5000;
// The first wait before another attempt and the longest; each is jittered in full.
const FIRST_WAIT_MS = 200, LONGEST_WAIT_MS = 3200;
// Somebody who is back has caught up when nothing has come for so long, at the latest after so long.
const QUIET_MS = 300, CAUGHT_UP_WITHIN_MS = 2000;
const MOST_GATEWAYS = 8, MOST_WAITING = 100, FIRST_PAGE = 100, PAGE = 500;

// Why a conversation is over, and what to do.
const OVER = {
  4001: "your token has ended; enter again to get another one",
  4003: "you are no longer a member of this room",
  4029: "you said too much at once; enter again in a while",
};
// What the other side says of a mistake of this page.
const MISTAKES = [1002, 1003, 1007, 1009, 4000];
// Why a connection is lost, in words.
const WHY = {
  1001: "it went away", 1006: "the connection broke", 1011: "it took too long", 1012: "it restarts", 1013: "a part of it is away",
  3008: "we were not heard", 4008: "we did not read in time", 4009: "the room has another log now", 4010: "the room has another log now",
  4011: "we missed too much",
};

const query = new URLSearchParams(location.search);
const isSibling = (place) => /^[a-z0-9.-]+:\d{1,5}$/i.test(place) && place.split(":")[0] === location.hostname;
const gateways = [...new Set([location.host, ...(query.get("also") ?? "").split(",").filter(isSibling)])].slice(0, MOST_GATEWAYS);
const fresh = () => ({
  user: "", room: "", token: "", epoch: null, last: null, skips: false, socket: null, isReady: false, gateway: 0, tries: 0,
  isOver: true, lost: null, back: null, waiting: new Map(), flight: null, timers: {}, read: 0,
});
let state = fresh();

function later(name, wait, work) {
  clearTimeout(state.timers[name]);
  state.timers[name] = setTimeout(work, wait);
}
const never = (name) => clearTimeout(state.timers[name]);

// --- What is asked by HTTP, of the gateway that this page is from ---

async function call(method, path, body, token = state.token) {
  const headers = { authorization: "Bearer " + token };
  if (body) headers["content-type"] = "application/json";
  const reply = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(READY_WITHIN_MS) });
  const document = reply.status === 204 ? {} : await reply.json();
  if (!reply.ok) throw Object.assign(new Error(document.detail ?? reply.statusText), { status: reply.status });
  return document;
}

const tokenOf = async (user) => (await call("POST", "/tokens", { user }, "")).token;
// A room's id follows from its name here, so that two people who type the same name meet.
async function idOf(name) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("room " + name)));
  const hex = [...bytes.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// The page is everybody's: it makes the room as its host, and lets whoever enters in.
async function enter(user, name) {
  status("entering", "away");
  const host = await tokenOf("host");
  const room = await idOf(name);
  await call("POST", "/rooms", { id: room, name }, host);
  await call("POST", `/rooms/${room}/members`, { users: [user], role: "member" }, host);
  const token = await tokenOf(user);
  const read = (await call("GET", `/rooms/${room}/marker`, null, token)).sequence;
  // What was not stored when the same conversation was over is sent now.
  const waiting = state.user === user && state.room === room ? state.waiting : new Map();
  halt();
  state = Object.assign(fresh(), { user, room, token, read, waiting, isOver: false });
  document.title = `${user} · ${name} · Chat`;
  byId("title").textContent = name;
  byId("records").replaceChildren();
  byId("pending").replaceChildren(...[...waiting.values()].map(({ item }) => item));
  byId("pending").hidden = waiting.size === 0;
  byId("enter").hidden = true;
  byId("talk").hidden = false;
  offerSecond(user === "ann" ? "bob" : "ann", name);
  byId("text").focus();
  connect();
}

// A second window is at the next gateway, if there is one.
function offerSecond(other, name) {
  const [place, ...rest] = [...gateways.slice(1), gateways[0]];
  const asked = new URLSearchParams({ user: other, room: name });
  if (rest.length > 0) asked.set("also", rest.join(","));
  byId("second").href = `${location.protocol}//${place}/?${asked}`;
  byId("other").textContent = other + (rest.length > 0 ? " at " + place : "");
}

// --- The connection ---

function connect() {
  const own = state;
  const place = gateways[state.gateway];
  const asked = new URLSearchParams({ token: state.token });
  if (state.last !== null && !state.skips) asked.set("after", `${state.epoch}:${state.last}`);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${place}/rooms/${state.room}/socket?${asked}`, "chat.v1");
  const isOurs = () => state === own && state.socket === socket;
  state.socket = socket;
  socket.onmessage = (event) => isOurs() && received(JSON.parse(event.data));
  socket.onclose = (event) => isOurs() && closed(event.code);
  later("patience", READY_WITHIN_MS, () => leave("it did not answer"));
  if (state.lost === null) status(`connecting to ${place}`, "away");
}

// Gives up a connection that may be half open.
function leave(why) {
  const socket = state.socket;
  state.socket = null;
  socket?.close();
  lose(why);
}

function closed(code) {
  state.socket = null;
  if (OVER[code]) return stop(OVER[code]);
  if (MISTAKES.includes(code)) return stop(`the gateway did not understand this page (${code})`);
  if (code === 4009 || code === 4010) forget();
  if (code === 4011) state.skips = true;
  lose(`${WHY[code] ?? "it closed the connection"}, ${code}`);
}

function lose(why) {
  caughtUp();
  const place = gateways[state.gateway];
  if (state.isReady || state.lost === null) event(`lost ${place}: ${why}`);
  state.lost ??= { place, at: performance.now() };
  Object.assign(state, { isReady: false, flight: null });
  for (const name of ["patience", "answer", "lasted", "read"]) never(name);
  status(`lost gateway ${state.lost.place}; coming back`, "away");
  state.gateway = (state.gateway + 1) % gateways.length;
  state.tries += 1;
  later("again", Math.random() * Math.min(FIRST_WAIT_MS * 2 ** (state.tries - 1), LONGEST_WAIT_MS), connect);
  // A handshake that is refused tells a page nothing, so the reason is asked for.
  if (state.tries % 3 === 0) askWhy(state);
}

async function askWhy(own) {
  const error = await call("GET", `/rooms/${own.room}`).then(() => null, (error) => error);
  if (state !== own || own.isReady || own.isOver) return;
  if (error?.status === 401) stop(OVER[4001]);
  if (error?.status === 403) stop(OVER[4003]);
}

function halt() {
  Object.keys(state.timers).forEach(never);
  const socket = state.socket;
  Object.assign(state, { socket: null, isReady: false, isOver: true, flight: null });
  socket?.close();
}

// The conversation is over until somebody enters again.
function stop(why) {
  halt();
  event(`stopped: ${why}`);
  status(`stopped: ${why}`, "over");
  byId("online").textContent = "";
  byId("enter").hidden = false;
}

function received(said) {
  if (said.type === "ready") ready(said.position);
  else if (said.type === "message" || said.type === "removed") take(said);
  else if (said.type === "sent") stored(said.id);
  else if (said.type === "slow-down") retry(said.wait_ms);
  else if (said.type === "refused" && said.code === "other-text") giveUp(said);
  else if (said.type === "refused") retry(500 + Math.random() * 500);
}

// Everything behind this position follows. What lies between it and what is shown is in the history, or nowhere.
function ready(position) {
  never("patience");
  const place = gateways[state.gateway];
  const [epoch, sequence] = [position.split(":")[0], Number(position.split(":")[1])];
  if (state.last !== null && epoch !== state.epoch) forget();
  const reads = state.last === null || state.skips;
  if (state.last === null) fill(null, sequence);
  else if (state.skips) fill(state.last, sequence);
  else if (sequence > state.last) append(noted(`${messages(sequence - state.last)} missing here: the gateway went on without them`, "lack"));
  Object.assign(state, { epoch, last: sequence, skips: false, isReady: true });
  later("lasted", LASTED_MS, () => { state.tries = 0; });
  if (state.lost === null) {
    status(`live at ${place}`, "live");
    event(`live at ${place}`);
  } else {
    const took = ((performance.now() - state.lost.at) / 1000).toFixed(1);
    state.back = { from: state.lost.place, words: `resumed at ${place} after ${took} s`, reads, news: 0, unsent: state.waiting.size };
    state.lost = null;
    later("quiet", QUIET_MS, caughtUp);
    later("late", CAUGHT_UP_WITHIN_MS, caughtUp);
  }
  flush();
}

// Says how the conversation went on, once.
function caughtUp() {
  if (state.back === null) return;
  never("quiet");
  never("late");
  const { from, words, reads, news, unsent } = state.back;
  state.back = null;
  const caught = reads ? "the history is read" : news > 0 ? `${messages(news)} caught up` : "nothing was missed";
  const all = `${words}, ${caught}${unsent > 0 ? `, ${unsent} of yours sent` : ""}`;
  status(`lost gateway ${from}; ${all}`, "live");
  event(all);
}

const messages = (count) => `${count} message${count === 1 ? "" : "s"}`;

// --- What is received ---

function take(record) {
  // What is promised is each record once and in order; a page that shows anything else would hide that the promise is broken.
  if (record.sequence <= state.last) return event(`record ${record.sequence} came twice`);
  if (record.sequence !== state.last + 1) return leave(`record ${state.last + 1} did not come`);
  state.last = record.sequence;
  if (state.back !== null && record.type === "message" && record.sender !== state.user) {
    state.back.news += 1;
    later("quiet", QUIET_MS, caughtUp);
  }
  append(line(record, state.user, "fresh"));
  if (record.sender === state.user) stored(record.id);
  markRead();
}

// Another log: nothing that is shown belongs to it.
function forget() {
  Object.assign(state, { epoch: null, last: null, read: 0 });
  byId("records").replaceChildren();
}

// Brings what lies behind one record and up to another, or the last page up to it, to where it belongs: what is live comes below.
async function fill(after, upTo) {
  const own = state;
  const place = append(noted(after === null ? "reading the history" : "messages are missing here: reading the history"));
  // Nobody wants a history read out.
  byId("log").ariaBusy = "true";
  while (state === own && place.isConnected && (after === null || after < upTo)) {
    const asked = after === null ? `before=${upTo + 1}&limit=${FIRST_PAGE}` : `after=${after}&limit=${PAGE}`;
    const page = await call("GET", `/rooms/${own.room}/messages?${asked}`).catch((error) => (error.status < 500 ? { records: [] } : null));
    if (state !== own || !place.isConnected) return;
    if (page === null) {
      await new Promise((resume) => setTimeout(resume, 1000 + Math.random() * 1000));
      continue;
    }
    const isAtEnd = isFollowed();
    const records = page.records.filter((record) => record.sequence <= upTo);
    if (after === null && records.some(isNew)) records.splice(records.findIndex(isNew), 0, null);
    for (const record of records) place.before(record === null ? noted("new since you were here") : line(record, own.user));
    for (const record of records) if (record?.sender === own.user) stored(record.id);
    if (isAtEnd) follow();
    if (after === null || records.length === 0) break;
    after = records.at(-1).sequence;
  }
  place.remove();
  byId("log").ariaBusy = "false";
  markRead();
}

const isNew = (record) => state.read > 0 && record.sequence > state.read && record.sender !== state.user;

// What is shown to somebody who looks at it is read.
function markRead() {
  if (!document.hasFocus() || !isFollowed()) return;
  later("read", 1000, () => {
    if (!state.isReady || state.last <= state.read) return;
    state.read = state.last;
    state.socket.send(JSON.stringify({ type: "read", sequence: state.last }));
  });
}

// --- What is sent: one after the other, so that what is sent again keeps its order ---

function say(text) {
  const id = crypto.randomUUID();
  const item = Object.assign(document.createElement("li"), { textContent: text });
  added("pending", item, MOST_WAITING);
  byId("pending").hidden = false;
  state.waiting.set(id, { text, item });
  flush();
}

function flush() {
  const [next] = state.waiting;
  if (!state.isReady || state.flight !== null || !next) return;
  const [id, { text }] = next;
  state.flight = id;
  state.socket.send(JSON.stringify({ type: "send", id, text }));
  later("answer", ANSWERS_WITHIN_MS, () => leave("it did not answer"));
}

// The same again, with the same id.
function retry(wait) {
  later("answer", wait, () => { state.flight = null; flush(); });
}

// An acknowledgement says so, and the record itself.
function stored(id) {
  state.waiting.get(id)?.item.remove();
  state.waiting.delete(id);
  byId("pending").hidden = state.waiting.size === 0;
  if (state.flight === id) {
    state.flight = null;
    never("answer");
    flush();
  }
}

function giveUp({ id, detail }) {
  append(noted(`not sent: ${detail}`, "lack"));
  stored(id);
}

// --- Who is there, and what is typed ---

async function showOnline() {
  if (state.isOver || document.hidden) return;
  const own = state;
  const page = await call("GET", `/rooms/${own.room}/presence`).catch(() => null);
  if (state !== own || own.isOver) return;
  byId("online").textContent = page === null ? "who is online is not known now" : `online: ${page.online.join(", ")}`;
}

byId("user").value = query.get("user") ?? "";
byId("room").value = query.get("room") ?? "Tea";
byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("user").value, byId("room").value).catch((error) => {
    status(error.status ? error.message : `${location.host} does not answer; try again`, "over");
  });
});
byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.isOver) return;
  if (state.waiting.size === MOST_WAITING) return status(`${MOST_WAITING} messages wait to be sent`, "away");
  say(byId("text").value);
  byId("text").value = "";
});
byId("drop").addEventListener("click", () => state.isReady && leave("you dropped it"));
window.addEventListener("focus", markRead);
byId("log").addEventListener("scroll", markRead);
setInterval(showOnline, 2000);
if (query.get("user")) byId("enter").requestSubmit();
