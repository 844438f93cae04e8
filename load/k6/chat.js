// The chat's rooms, for k6: members on sockets, who send and wait until every member of the room has what they sent, as the mix
// `rooms` of `lab load --system chat` does.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8081 -e RATE=20 -e DURATION=30s load/k6/chat.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which makes the rooms; a member; what must be true at the end.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import { WebSocket } from 'k6/websockets';
import { check, fail } from 'k6';
import { Counter, Trend } from 'k6/metrics';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8081').replace(/\/+$/, '');
// Rooms, and members of each; every member is a virtual user with one socket.
const ROOMS = Number(__ENV.ROOMS || 10);
const MEMBERS = Number(__ENV.MEMBERS || 10);
// Messages a second, of all members together, and for how long.
const RATE = Number(__ENV.RATE || 20);
const DURATION = __ENV.DURATION || '30s';
// From which ids follow. With one that this system has seen before the rooms are there already.
const SEED = Number(__ENV.SEED || 1);
// What the 99th percentile of a delivery may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 500);
// How long the last deliveries may take, milliseconds.
const SETTLE_MS = 5000;

const deliveries = new Trend('delivery', true);
const acknowledged = new Counter('acknowledged');
const lost = new Counter('lost');

const seconds = (text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600 }[text.slice(-1)];

export const options = {
  scenarios: {
    members: { executor: 'per-vu-iterations', vus: ROOMS * MEMBERS, iterations: 1, maxDuration: `${seconds(DURATION) + 60}s` },
  },
  setupTimeout: '10m',
  summaryTrendStats: ['min', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // Only right answers count.
    checks: ['rate==1'],
    lost: ['count==0'],
    delivery: [`p(99)<${P99_MS}`],
  },
};

// An id that follows from seed, kind and numbers.
function id(kind, first, second) {
  const digits = (number, width) => number.toString(16).padStart(width, '0');
  return `${digits(SEED, 8)}-${digits(kind, 4)}-4000-8000-${digits(first, 6)}${digits(second, 6)}`;
}

const ROOM = 1;
const user = (room, member) => `k6-${room}-${member}`;

function post(path, body, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const reply = http.post(`${URL}${path}`, JSON.stringify(body), { headers, tags: { name: path.replace(/[0-9a-f-]{36}/, '{room}') } });
  if (reply.status >= 300) fail(`setup: ${path} answered ${reply.status} ${reply.error} ${reply.body}`);
  return reply.json();
}

// Makes the rooms and lets the members in.
export function setup() {
  const tokens = [];
  for (let room = 0; room < ROOMS; room += 1) {
    const names = Array.from({ length: MEMBERS }, (_, member) => user(room, member));
    const of = names.map((name) => post('/tokens', { user: name, seconds: 86400 }).token);
    post('/rooms', { id: id(ROOM, room, 0), name: `Room ${room}` }, of[0]);
    if (MEMBERS > 1) post(`/rooms/${id(ROOM, room, 0)}/members`, { users: names.slice(1), role: 'member' }, of[0]);
    tokens.push(of);
  }
  return tokens;
}

// One member: sends now and then, and counts what comes. Each message says when it was due, so that whoever gets it knows how
// long it took; all virtual users have one clock.
export default function (tokens) {
  const room = Math.floor((__VU - 1) / MEMBERS);
  const member = (__VU - 1) % MEMBERS;
  const address = `${URL.replace(/^http/, 'ws')}/rooms/${id(ROOM, room, 0)}/socket?token=${encodeURIComponent(tokens[room][member])}`;
  const socket = new WebSocket(address, 'chat.v1');
  const every = (1000 * ROOMS * MEMBERS) / RATE;
  const end = Date.now() + seconds(DURATION) * 1000;
  const waiting = new Set();
  const run = Date.now();
  let sequence = null;
  let number = 0;
  socket.onopen = () => {
    const send = (due) => {
      if (due >= end) return setTimeout(() => socket.close(), SETTLE_MS);
      setTimeout(() => {
        const message = id(1000 + member, run % 0xffffff, (number += 1));
        waiting.add(message);
        socket.send(JSON.stringify({ type: 'send', id: message, text: String(due) }));
        send(due + every);
      }, Math.max(0, due - Date.now()));
    };
    // Each at a moment of its own.
    send(Date.now() + (every * (__VU - 1)) / (ROOMS * MEMBERS));
  };
  socket.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.type === 'ready') sequence = Number(said.position.split(':')[1]);
    if (said.type === 'message') {
      check(said, { 'every record is the next one': () => said.sequence === sequence + 1 });
      sequence = said.sequence;
      deliveries.add(Date.now() - Number(said.text));
    }
    if (said.type === 'sent') {
      waiting.delete(said.id);
      acknowledged.add(1);
    }
  };
  socket.onclose = () => {
    lost.add(waiting.size);
    check(sequence, { 'the socket was open to the end': () => sequence !== null && Date.now() >= end });
  };
  socket.onerror = (error) => {
    check(error, { [`no socket failed: ${error.error}`]: () => false });
  };
}
