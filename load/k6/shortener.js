// The shortener's journeys, for k6: the same operations as `lab load --system shortener`, sent by somebody else.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8081 -e RATE=300 -e DURATION=30s load/k6/shortener.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which makes the links; an operation.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail, randomSeed } from 'k6';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8081').replace(/\/+$/, '');
// Operations a second, and for how long.
const RATE = Number(__ENV.RATE || 300);
const DURATION = __ENV.DURATION || '30s';
// How many links exist before load begins.
const LINKS = Number(__ENV.LINKS || 10000);
// From which every choice follows. One that this system has seen before repeats its creates.
const SEED = Number(__ENV.SEED || 1);
// Connections, which is also the most operations in flight.
const CONNECTIONS = Number(__ENV.CONNECTIONS || 128);
// What the 99th percentile of an operation may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 250);

// The rest of the operations are creates.
const FOLLOW_SHARE = 0.95;
// Creates under load are numbered from here: above the links of `setup`, and above those of the lab.
const FIRST_CREATE = 2 ** 45;
// Requests of `setup` under way at once.
const BATCH = 64;

export const options = {
  scenarios: {
    // Open loop: an operation begins when it is due, whether or not earlier ones have ended.
    journeys: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      timeUnit: '1s',
      duration: DURATION,
      // A virtual user has one connection and one operation at a time.
      // All are made before load begins: one that is made under load competes with it.
      preAllocatedVUs: CONNECTIONS,
    },
  },
  // Links lead to other people's servers: a redirect is the answer, and is not followed.
  maxRedirects: 0,
  setupTimeout: '10m',
  summaryTrendStats: ['min', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // Only right answers count.
    checks: ['rate==1'],
    'http_req_failed{scenario:journeys}': ['rate==0'],
    // What k6 could not begin for lack of a virtual user is in no latency: then the latencies are too good.
    dropped_iterations: ['count==0'],
    // A threshold on a tag also makes k6 print that operation's own line.
    'http_req_duration{operation:follow}': [`p(99)<${P99_MS}`],
    'http_req_duration{operation:create}': [`p(99)<${P99_MS}`],
  },
};

// Of the replies that can come, these are not failures.
http.setResponseCallback(http.expectedStatuses(201, 302));

// Each virtual user draws from a sequence of its own, the same in every run.
randomSeed(SEED * 1000003 + __VU);

// The target of the link with a number: it can be told from any other link's, so a wrong redirect shows at once.
function target(number) {
  return `https://example.com/${SEED.toString(16)}/${number}`;
}

// The key depends on seed and number alone, so asking again is the same request.
function createRequest(number) {
  return {
    body: JSON.stringify({ target: target(number) }),
    params: {
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': `${SEED.toString(16)}-${number.toString(16)}`,
      },
      // One name for all, so that k6 keeps one row and not one for each code.
      tags: { name: 'POST /links', operation: 'create' },
    },
  };
}

function followUrl(code) {
  return `${URL}/${code}`;
}

// Runs `requests` a batch at a time, and stops at the first reply without `status`.
// The first goes alone: where nobody listens, one complaint is enough.
function inBatches(requests, status) {
  const replies = [];
  while (replies.length < requests.length) {
    const next = replies.length + (replies.length === 0 ? 1 : BATCH);
    for (const reply of http.batch(requests.slice(replies.length, next))) {
      if (reply.status !== status) {
        fail(`setup: ${reply.request.method} ${reply.url} answered ${reply.status} ${reply.error}`);
      }
      replies.push(reply);
    }
  }
  return replies;
}

// Makes links 0 to LINKS - 1 and reads each once, by a HEAD, which counts no click: a system that has been up for a
// while has seen each, whatever caches it has. Its requests bear the tag `operation:setup` and are not the load's.
export function setup() {
  const tags = { name: 'setup', operation: 'setup' };
  const creates = Array.from({ length: LINKS }, (_, number) => {
    const { body, params } = createRequest(number);
    return { method: 'POST', url: `${URL}/links`, body, params: { ...params, tags } };
  });
  const codes = inBatches(creates, 201).map((reply) => reply.headers.Location.split('/').pop());
  inBatches(codes.map((code) => ({ method: 'HEAD', url: followUrl(code), params: { tags } })), 302);
  return { codes, popularity: shuffled(LINKS) };
}

// The numbers below `count` in random order. Which link is the most popular has nothing to do with the order in which
// they were made, or stored.
function shuffled(count) {
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
  }
  return numbers;
}

// Zipf(1.0): the k-th most popular link is followed 1/k as often as the first.
// `upTo[k]` is the sum of the first k + 1 weights; the sums are made once for each virtual user.
const upTo = new Float64Array(LINKS);
for (let rank = 1, sum = 0; rank <= LINKS; rank++) {
  sum += 1 / rank;
  upTo[rank - 1] = sum;
}

// A rank by Zipf(1.0): the first whose sum lies above a uniform draw.
function drawRank() {
  const draw = Math.random() * upTo[LINKS - 1];
  let [low, high] = [0, LINKS - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (upTo[middle] > draw) high = middle;
    else low = middle + 1;
  }
  return low;
}

// One operation: a link followed, or a link made.
export default function ({ codes, popularity }) {
  if (Math.random() < FOLLOW_SHARE) follow(codes, popularity[drawRank()]);
  else create(FIRST_CREATE + exec.scenario.iterationInTest);
}

function follow(codes, number) {
  const reply = http.get(followUrl(codes[number]), {
    responseType: 'none',
    tags: { name: 'GET /{code}', operation: 'follow' },
  });
  check(reply, {
    'a link leads to its target': () => reply.status === 302 && reply.headers.Location === target(number),
  });
}

function create(number) {
  const { body, params } = createRequest(number);
  const reply = http.post(`${URL}/links`, body, params);
  check(reply, {
    'a link is made as it was asked for': () => reply.status === 201 && reply.json('target') === target(number),
  });
}
