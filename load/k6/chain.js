// The chain's journeys, for k6: the same operations as `lab load --system chain`, sent by somebody else.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8082 -e RATE=50 -e DURATION=30s load/k6/chain.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which asks how many parts a page has; an operation.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import { check, fail } from 'k6';
import exec from 'k6/execution';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8082').replace(/\/+$/, '');
// Operations a second, and for how long. `back` makes a hundred parts a second where `work` is `scarce`.
const RATE = Number(__ENV.RATE || 50);
const DURATION = __ENV.DURATION || '30s';
// Connections, which is also the most operations in flight.
const CONNECTIONS = Number(__ENV.CONNECTIONS || 128);
// What the 99th percentile of a page may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 500);

export const options = {
  scenarios: {
    // Open loop: an operation begins when it is due, whether or not earlier ones have ended.
    journeys: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      timeUnit: '1s',
      duration: DURATION,
      // A virtual user has one connection and one operation at a time.
      preAllocatedVUs: CONNECTIONS,
    },
  },
  summaryTrendStats: ['min', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // Only right answers count.
    checks: ['rate==1'],
    'http_req_failed{scenario:journeys}': ['rate==0'],
    // What k6 could not begin for lack of a virtual user is in no latency: then the latencies are too good.
    dropped_iterations: ['count==0'],
    'http_req_duration{scenario:journeys}': [`p(99)<${P99_MS}`],
  },
};

// How many parts a page has in this wiring.
export function setup() {
  const reply = http.get(`${URL}/pages`);
  if (reply.status !== 200) fail(`setup: GET /pages answered ${reply.status} ${reply.error} ${reply.body}`);
  return { parts: reply.json('parts') };
}

// One operation: a page with all its parts, each once and right.
export default function ({ parts }) {
  const page = exec.scenario.iterationInTest;
  const reply = http.get(`${URL}/pages/${page}`, { tags: { name: 'GET /pages/{number}' } });
  check(reply, {
    'a page has all its parts': () => {
      if (reply.status !== 200) return false;
      const shown = reply.json();
      const isRight = (part, at) => part.number === at + 1 && part.text === `part ${at + 1} of page ${page}`;
      return shown.page === page && shown.parts.length === parts && shown.parts.every(isRight);
    },
  });
}
