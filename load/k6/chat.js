// The chat's rooms, for k6: members on sockets, who send when a message is due and read what the others send, as the mix
// `rooms` of `lab load --system chat` does.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8081 -e RATE=20 -e DURATION=30s load/k6/chat.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which makes the rooms; a room; a socket.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import { WebSocket } from 'k6/websockets';
import { check, fail } from 'k6';
import { Counter, Trend } from 'k6/metrics';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8081').replace(/\/+$/, '');
// Rooms, each a virtual user, and members of each room, who have a socket each.
const ROOMS = Number(__ENV.ROOMS || 10);
const MEMBERS = Number(__ENV.MEMBERS || 10);
// Messages a second in all rooms together, and for how long.
const RATE = Number(__ENV.RATE || 20);
const DURATION = __ENV.DURATION || '30s';
// From which the rooms and their members follow. With one that this system has seen before the rooms are there already.
const SEED = Number(__ENV.SEED || 1);
// What the 99th percentile of a delivery may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 500);
// How long sockets may take to open, and how long the last messages to reach everybody, milliseconds.
const OPEN_MS = 10000;
const SETTLE_MS = 5000;

// Messages that every member has; and the time from when one was due until the last of them has it.
const messages = new Counter('messages');
const delivery = new Trend('delivery', true);

const seconds = (text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600 }[text.slice(-1)];
const PER_ROOM = Math.round((RATE * seconds(DURATION)) / ROOMS);
const EVERY_MS = (1000 * ROOMS) / RATE;

export const options = {
  scenarios: {
    // Open loop: a message is sent when it is due, whoever has not read the last one.
    rooms: {
      executor: 'per-vu-iterations',
      vus: ROOMS,
      iterations: 1,
      maxDuration: `${seconds(DURATION) + (OPEN_MS + SETTLE_MS) / 1000 + 30}s`,
    },
  },
  setupTimeout: '10m',
  summaryTrendStats: ['min', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // Only right answers count.
    checks: ['rate==1'],
    delivery: [`p(99)<${P99_MS}`],
  },
};

// An id that follows from seed, kind and numbers.
function id(kind, first, second) {
  const digits = (number, width) => number.toString(16).padStart(width, '0');
  return `${digits(SEED, 8)}-${digits(kind, 4)}-4000-8000-${digits(first, 6)}${digits(second, 6)}`;
}

const ROOM = 1;
const MESSAGE = 0x1000;

function post(path, operation, body, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const reply = http.post(`${URL}${path}`, JSON.stringify(body), { headers, tags: { name: operation, operation } });
  if (reply.status >= 300) fail(`setup: ${path} answered ${reply.status} ${reply.error} ${reply.body}`);
  return reply.json();
}

// Makes the rooms and lets the members in. Messages have ids of this run: one that is sent again is stored once.
export function setup() {
  const tokens = [];
  for (let room = 0; room < ROOMS; room += 1) {
    const names = Array.from({ length: MEMBERS }, (_, member) => `k6-${SEED}-${room}-${member}`);
    const own = names.map((user) => post('/tokens', 'token', { user, seconds: 86400 }).token);
    post('/rooms', 'room', { id: id(ROOM, room, 0), name: `Room ${room}` }, own[0]);
    const others = { users: names.slice(1), role: 'member' };
    if (MEMBERS > 1) post(`/rooms/${id(ROOM, room, 0)}/members`, 'members', others, own[0]);
    tokens.push(own);
  }
  return { run: Date.now() % 0x1000000, tokens };
}

// One room: opens a socket for each member, sends its messages in turn, and waits until every member has all of them.
export default function ({ run, tokens }) {
  const room = __VU - 1;
  // By id: when a message was due, who has it, and whether its sender was told where it is.
  const sent = new Map();
  let opened = 0;
  let complete = 0;
  let ended = false;

  const of = {
    opened() {
      opened += 1;
      if (opened < MEMBERS) return;
      clearTimeout(late);
      // Each room at moments of its own.
      const first = Date.now() + (EVERY_MS * room) / ROOMS;
      for (let number = 0; number < PER_ROOM; number += 1) sendAt(first + number * EVERY_MS, number);
      late = setTimeout(end, first + PER_ROOM * EVERY_MS + SETTLE_MS - Date.now());
    },
    delivered(message) {
      const known = sent.get(message);
      if (!known) return;
      known.readers += 1;
      if (known.readers === MEMBERS) {
        delivery.add(Date.now() - known.due);
        messages.add(1);
      }
      done(known);
    },
    acknowledged(message) {
      const known = sent.get(message);
      known.is_acknowledged = true;
      done(known);
    },
    closed: () => check(ended, { 'no socket is closed before the end': (is) => is }) || end(),
  };
  const sockets = tokens[room].map((token) => open(room, token, of));
  let late = setTimeout(end, OPEN_MS);

  function sendAt(due, number) {
    setTimeout(() => {
      if (ended) return;
      const message = id(MESSAGE + room, run, number);
      sent.set(message, { due, readers: 0, is_acknowledged: false });
      sockets[number % MEMBERS].send(JSON.stringify({ type: 'send', id: message, text: `message ${number}` }));
    }, due - Date.now());
  }

  function done(message) {
    if (!message.is_acknowledged || message.readers !== MEMBERS) return;
    complete += 1;
    if (complete === PER_ROOM) end();
  }

  function end() {
    if (ended) return;
    ended = true;
    clearTimeout(late);
    check(sent.size, { 'every message was sent': (count) => count === PER_ROOM });
    for (const message of sent.values()) {
      check(message, { 'every member has the message once, and its sender knows': (one) => one.is_acknowledged && one.readers === MEMBERS });
    }
    for (const socket of sockets) socket.close();
  }
}

// The socket of one member, and what becomes of what it brings.
function open(room, token, of) {
  const address = `${URL.replace(/^http/, 'ws')}/rooms/${id(ROOM, room, 0)}/socket?token=${encodeURIComponent(token)}`;
  // One name for all, so that k6 keeps one row and not one for each token.
  const socket = new WebSocket(address, 'chat.v1', { tags: { name: 'socket' } });
  let sequence = null;
  const next = (said) => {
    check(said, { 'every record is the next one': () => said.sequence === sequence + 1 });
    sequence = said.sequence;
  };
  socket.onmessage = ({ data }) => {
    const said = JSON.parse(data);
    if (said.type === 'ready') {
      sequence = Number(said.position.split(':')[1]);
      of.opened();
    } else if (said.type === 'message') {
      next(said);
      of.delivered(said.id);
    } else if (said.type === 'sent') {
      of.acknowledged(said.id);
    } else {
      check(said, { 'nothing is refused': () => false });
    }
  };
  socket.onclose = () => of.closed();
  socket.onerror = ({ error }) => {
    console.error(`room ${room}: ${error}`);
    check(error, { 'no socket fails': () => false });
  };
  return socket;
}
