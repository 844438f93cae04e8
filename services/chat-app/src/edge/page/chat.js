// A client of the chat. It shows each record of its room once and in order, whatever happens to its connection: it keeps its
// position, and comes back with it. `?user=` and `?room=` fill the form; `?also=host:port,...` names further gateways.
"use strict";

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const gateways = [location.host, ...(query.get("also") ?? "").split(",").filter(Boolean)];
const state = { user: "", room: "", token: "", position: null, socket: null, gateway: 0, tries: 0, waiting: new Map() };

byId("user").value = query.get("user") ?? "";
byId("room").value = query.get("room") ?? "Tea";

// A room's id follows from its name here, so that two people who type the same name meet.
async function idOf(name) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("room " + name)));
  const hex = [...bytes.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function call(method, path, body, token = state.token) {
  const headers = { authorization: "Bearer " + token };
  if (body) headers["content-type"] = "application/json";
  const reply = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const document = reply.status === 204 ? {} : await reply.json();
  if (!reply.ok) throw Object.assign(new Error(document.detail ?? reply.statusText), { status: reply.status });
  return document;
}

const tokenOf = async (user) => (await call("POST", "/tokens", { user }, "")).token;

// The page is everybody's: it makes the room as its host, and lets whoever enters in.
async function enter(user, name) {
  const host = await tokenOf("host");
  state.room = await idOf(name);
  await call("POST", "/rooms", { id: state.room, name }, host);
  await call("POST", `/rooms/${state.room}/members`, { users: [user], role: "member" }, host);
  Object.assign(state, { user, token: await tokenOf(user) });
  byId("title").textContent = name;
  byId("enter").hidden = true;
  byId("talk").hidden = false;
  const other = new URLSearchParams({ user: user === "ann" ? "bob" : "ann", room: name });
  if (query.get("also")) other.set("also", query.get("also"));
  byId("second").href = "/?" + other;
  byId("text").focus();
  connect();
  setInterval(showOnline, 2000);
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${gateways[state.gateway]}/rooms/${state.room}/socket?token=${encodeURIComponent(state.token)}${state.position ? "&after=" + state.position : ""}`, "chat.v1");
  state.socket = socket;
  status("connecting to " + gateways[state.gateway], false);
  socket.onmessage = (event) => received(JSON.parse(event.data), socket);
  socket.onclose = (event) => closed(event, socket);
}

async function received(said, socket) {
  if (said.type === "ready") {
    const [epoch, sequence] = said.position.split(":");
    const isNew = state.position === null;
    state.epoch = epoch;
    state.position = said.position;
    status(`live on ${gateways[state.gateway]}`, true);
    setTimeout(() => { if (socket === state.socket && socket.readyState === 1) state.tries = 0; }, 5000);
    if (isNew) await showHistory(Number(sequence));
    for (const [id, { text }] of state.waiting) send(id, text);
    showOnline();
  } else if (said.type === "message" || said.type === "removed") {
    state.position = `${state.epoch}:${said.sequence}`;
    show(said);
  } else if (said.type === "sent") {
    state.waiting.get(said.id)?.line.remove();
    state.waiting.delete(said.id);
  } else if (said.type === "refused") {
    if (said.code === "other-text") state.waiting.delete(said.id);
    else setTimeout(() => { const waits = state.waiting.get(said.id); if (waits) send(said.id, waits.text); }, 500);
    note("not sent yet: " + said.detail);
  } else if (said.type === "slow-down") {
    setTimeout(() => { for (const [id, { text }] of state.waiting) send(id, text); }, said.wait_ms);
  }
}

// The position was taken before the history is read, so nothing falls between the two.
async function showHistory(sequence) {
  const { records } = await call("GET", `/rooms/${state.room}/messages?before=${sequence + 1}`);
  const log = byId("log");
  const first = log.firstChild;
  for (const record of records) log.insertBefore(line(record), first);
  log.scrollTop = log.scrollHeight;
}

function closed(event, socket) {
  if (socket !== state.socket) return;
  if (event.code === 4003) return status("you are no longer a member of this room", false);
  if (event.code === 4001) {
    status("the token has ended: getting another one", false);
    return tokenOf(state.user).then((token) => { state.token = token; connect(); }, again);
  }
  if ([4009, 4010, 4011].includes(event.code)) {
    note("too much was missed: the history is read anew");
    byId("log").replaceChildren();
    state.position = null;
  }
  state.gateway = (state.gateway + 1) % gateways.length;
  again();
}

// 1, 2, 4, 8, 16 times 100 ms, each with full jitter; reset only once a connection has lasted.
function again() {
  state.tries = Math.min(state.tries + 1, 5);
  const wait = Math.random() * 100 * 2 ** state.tries;
  status("connection lost: coming back", false);
  setTimeout(connect, wait);
}

function send(id, text) {
  if (state.socket?.readyState === 1) state.socket.send(JSON.stringify({ type: "send", id, text }));
}

function line(record) {
  const item = document.createElement("li");
  if (record.type === "removed") {
    item.className = "note";
    item.textContent = `${record.user} is no longer a member`;
    return item;
  }
  if (record.sender === state.user) item.className = "own";
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = record.sender + ": ";
  const text = document.createElement("span");
  text.textContent = record.text;
  item.append(who, text);
  item.title = `${record.sequence} · ${new Date(record.at_ms).toLocaleTimeString()}`;
  return item;
}

function show(record) {
  const log = byId("log");
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(line(record));
  if (follows) log.scrollTop = log.scrollHeight;
}

function note(text) {
  const item = document.createElement("li");
  item.className = "note";
  item.textContent = text;
  byId("log").append(item);
}

function status(text, live) {
  byId("status").textContent = text;
  byId("status").className = live ? "live" : "";
}

async function showOnline() {
  try {
    const { online } = await call("GET", `/rooms/${state.room}/presence`);
    byId("online").textContent = "online: " + online.join(", ");
  } catch { byId("online").textContent = ""; }
}

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("user").value, byId("room").value).catch((error) => status(error.message, false));
});
byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = crypto.randomUUID();
  const text = byId("text").value;
  const item = document.createElement("li");
  item.className = "waits";
  item.textContent = `sending: ${text}`;
  byId("log").append(item);
  state.waiting.set(id, { text, line: item });
  send(id, text);
  byId("text").value = "";
});
byId("drop").addEventListener("click", () => state.socket?.close());
if (query.get("user")) byId("enter").requestSubmit();
