// The cart's purchases, for k6: two products in a cart, and a checkout, as the mix `shop` of `lab load --system cart` makes them.
//
//   k6 run --no-usage-report -e URL=http://127.0.0.1:8081 -e RATE=20 -e DURATION=30s load/k6/cart.js
//
// (Without that flag k6 tells its makers about the run.)
// Reading order: parameters; what k6 is to do; `setup`, which stocks the shop; an operation; what must be true at the end.
// docs/k6.md tells what differs from the lab's own generator.

import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail, randomSeed, sleep } from 'k6';

// Where the public API is.
const URL = (__ENV.URL || 'http://127.0.0.1:8081').replace(/\/+$/, '');
// Purchases a second, and for how long.
const RATE = Number(__ENV.RATE || 20);
const DURATION = __ENV.DURATION || '30s';
// How many products the shop has, and how many pieces of each.
const PRODUCTS = Number(__ENV.PRODUCTS || 100);
const PIECES = Number(__ENV.PIECES || 1000000);
// From which every choice follows. One that this system has seen before repeats its purchases, and changes nothing.
const SEED = Number(__ENV.SEED || 1);
// Connections, which is also the most purchases in flight.
const CONNECTIONS = Number(__ENV.CONNECTIONS || 128);
// What the 99th percentile of a checkout may be, milliseconds.
const P99_MS = Number(__ENV.P99_MS || 500);
// How long orders that are accepted may take until they are paid, seconds: a saga replies before it is done.
const SETTLE_S = 30;

// Products of a purchase.
const LINES = 2;
const PRICE = { minor: 500, currency: 'EUR' };

export const options = {
  scenarios: {
    // Open loop: a purchase begins when it is due, whether or not earlier ones have ended.
    journeys: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      timeUnit: '1s',
      duration: DURATION,
      // A virtual user has one connection and one purchase at a time.
      preAllocatedVUs: CONNECTIONS,
    },
  },
  setupTimeout: '10m',
  teardownTimeout: '5m',
  summaryTrendStats: ['min', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    // Only right answers count.
    checks: ['rate==1'],
    'http_req_failed{scenario:journeys}': ['rate==0'],
    // What k6 could not begin for lack of a virtual user is in no latency: then the latencies are too good.
    dropped_iterations: ['count==0'],
    // A threshold on a tag also makes k6 print that operation's own line.
    'http_req_duration{operation:checkout}': [`p(99)<${P99_MS}`],
  },
};

randomSeed(SEED * 1000003 + __VU);

// An id that follows from seed, kind and number: asking again is the same request.
function id(kind, number) {
  const digits = number.toString(16).padStart(12, '0');
  return `${SEED.toString(16).padStart(8, '0')}-${kind.toString(16).padStart(4, '0')}-4000-8000-${digits}`;
}

const PRODUCT = 1;
const DELIVERY = 2;
const CART = 3;
const CUSTOMER = 4;

function put(path, body, operation, headers = {}) {
  return http.put(`${URL}${path}`, JSON.stringify(body), {
    headers: { 'Content-Type': 'application/json', ...headers },
    // One name for all, so that k6 keeps one row and not one for each id.
    tags: { name: operation, operation },
  });
}

// Offers the products and takes their pieces in.
export function setup() {
  for (let number = 0; number < PRODUCTS; number += 1) {
    const product = id(PRODUCT, number);
    const offered = put(`/products/${product}`, { name: `Product ${number}`, price: PRICE }, 'offer');
    const path = `/products/${product}/deliveries/${id(DELIVERY, number)}`;
    const received = put(path, { quantity: PIECES }, 'receive');
    for (const reply of [offered, received]) {
      if (reply.status !== 200) fail(`setup: ${reply.request.url} answered ${reply.status} ${reply.error} ${reply.body}`);
    }
  }
}

// One operation: a purchase of two products.
export default function () {
  const number = exec.scenario.iterationInTest;
  const cart = id(CART, number);
  let reply = put(`/carts/${cart}`, { customer: id(CUSTOMER, number) }, 'open');
  const first = Math.floor(Math.random() * PRODUCTS);
  for (let line = 0; line < LINES && reply.status === 200; line += 1) {
    const product = id(PRODUCT, (first + line) % PRODUCTS);
    const asked = { quantity: 1, price: PRICE };
    reply = put(`/carts/${cart}/lines/${product}`, asked, 'line', { 'If-Match': reply.headers.Etag });
  }
  if (!check(reply, { 'the cart has its lines': () => reply.status === 200 && reply.json('lines').length === Math.min(LINES, PRODUCTS) })) return;
  const total = { minor: PRICE.minor * reply.json('lines').length, currency: PRICE.currency };
  const asked = { cart, version: reply.json('version'), total, token: 'card-1' };
  const order = http.post(`${URL}/checkouts`, JSON.stringify(asked), {
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `${SEED.toString(16)}-${number.toString(16)}` },
    tags: { name: 'POST /checkouts', operation: 'checkout' },
  });
  check(order, {
    'the checkout makes an order of this total': () =>
      (order.status === 201 || order.status === 202) && order.json('total.minor') === total.minor,
  });
}

// Every piece that came in is sold, reserved or left; and in the end nothing is reserved.
export function teardown() {
  const until = Date.now() + SETTLE_S * 1000;
  for (let number = 0; number < PRODUCTS; ) {
    const reply = http.get(`${URL}/stock?products=${id(PRODUCT, number)}`, { tags: { name: 'GET /stock' } });
    const [level] = reply.status === 200 ? reply.json('levels') : [];
    if (level && level.reserved > 0 && Date.now() < until) {
      sleep(0.2);
      continue;
    }
    check(level, {
      'sold + reserved + left = stocked': () => level && level.sold + level.reserved + level.left === level.stocked,
      'nothing stays reserved': () => level && level.reserved === 0,
    });
    number += 1;
  }
}
