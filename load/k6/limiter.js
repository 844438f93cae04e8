// The limiter's journeys, for k6: the same operations as `lab load --system limiter`, sent by somebody else.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8081 -e RATE=300 -e DURATION=30s load/k6/limiter.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which puts the policy in force; an operation.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { Counter } from 'k6/metrics';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8081').replace(/\/+$/, '');
// Operations a second, and for how long.
const RATE = Number(__ENV.RATE || 300);
const DURATION = __ENV.DURATION || '30s';
// The policy: so many requests of one client a second.
const LIMIT = Number(__ENV.LIMIT || 100);
// How many clients there are, each as busy as any other.
const CLIENTS = Number(__ENV.CLIENTS || 1);
// From which the clients' names follow: another seed's clients have counts of their own.
const SEED = Number(__ENV.SEED || 1);
// Connections, which is also the most operations in flight.
const CONNECTIONS = Number(__ENV.CONNECTIONS || 128);
// What the 99th percentile of a decision may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 250);

const POLICY = 'k6';
// How long a new policy may take until it is in force, in tries of 50 ms.
const TRIES = 200;

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

// To refuse is what a limiter is for: of the replies that can come, these are not failures.
http.setResponseCallback(http.expectedStatuses(200, 429));

const admitted = new Counter('admitted');
const refused = new Counter('refused');

function ask(client, tags) {
  return http.get(`${URL}/quotes/1`, { headers: { 'x-client': client }, tags: { name: 'GET /quotes/{n}', ...tags } });
}

// Puts the policy in force, in place of all others, and waits until decisions follow it.
export function setup() {
  const limits = [{ requests: LIMIT, window_ms: 1000 }];
  const body = JSON.stringify({ policies: [{ name: POLICY, key: { header: 'x-client' }, limits }] });
  const put = http.put(`${URL}/policies`, body, { headers: { 'Content-Type': 'application/json' } });
  if (put.status !== 200) fail(`setup: PUT /policies answered ${put.status} ${put.error} ${put.body}`);
  for (let tried = 0; tried < TRIES; tried++) {
    if (isOurs(ask(`${SEED}-probe-${tried}`))) return;
    sleep(0.05);
  }
  fail('setup: decisions still do not follow the policy');
}

// Whether a reply was decided by the policy that `setup` put in force.
function isOurs(reply) {
  return (reply.headers['Ratelimit-Policy'] || '').startsWith(`"${POLICY}";q=${LIMIT};w=1`);
}

// One operation: a request that is let pass or refused, and says where its client stands.
export default function () {
  const reply = ask(`${SEED}-${Math.floor(Math.random() * CLIENTS)}`);
  const standing = /^"k6";r=(\d+);t=\d+$/.exec(reply.headers.Ratelimit || '');
  check(reply, {
    'a reply names the policy and where the client stands': () => isOurs(reply) && standing !== null,
    'a refusal comes with nothing left and says when to come again': () =>
      reply.status !== 429 || (standing[1] === '0' && Number(reply.headers['Retry-After']) >= 1),
  });
  if (reply.status === 200) admitted.add(1);
  if (reply.status === 429) refused.add(1);
}
