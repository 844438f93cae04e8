-- What all scripts share. Each script is this file, an algorithm's, and `take` or `add`.
--
-- Lua counts in doubles: whole numbers are exact below 2^53, and all numbers here are. Times are in microseconds since
-- 1970, which are 1.8e15 now. The algorithms are those of `limiter/src/algorithm`, in the same order of members.
--
-- A moment is {micros, part}: a part of the next microsecond in fractions of 1 / requests.

-- A time that does not come.
local NEVER = -1

-- floor(a * b / c) and the rest, for a up to 2e6, and b and c up to 6e12.
local function muldiv(a, b, c)
  local high = math.floor(a / 1000)
  local low = a - high * 1000
  local first = high * b
  local quotient = math.floor(first / c)
  local second = (first - quotient * c) * 1000 + low * b
  local more = math.floor(second / c)
  return quotient * 1000 + more, second - more * c
end

-- The spacing of a limit (the emission interval T of GCRA): one request each window / requests.
local function spacing_of(limit)
  local whole = math.floor(limit.window / limit.requests)
  return { whole = whole, rest = limit.window - whole * limit.requests, limit = limit }
end

local function at(micros)
  return { micros, 0 }
end

local function is_before(one, other)
  return one[1] < other[1] or (one[1] == other[1] and one[2] < other[2])
end

local function later(one, other)
  return is_before(one, other) and other or one
end

local function earlier(one, other)
  return is_before(other, one) and other or one
end

-- The moment this many spacings after another.
local function after(spacing, moment, count)
  local parts = moment[2] + count * spacing.rest
  local carry = math.floor(parts / spacing.limit.requests)
  return { moment[1] + count * spacing.whole + carry, parts - carry * spacing.limit.requests }
end

-- How many whole spacings lie between two moments; more than any limit has if they are further apart than two windows.
local function between(spacing, from, to)
  if not is_before(from, to) then
    return 0
  end
  local micros = to[1] - from[1]
  if micros > 2 * spacing.limit.window then
    return 4 * spacing.limit.requests
  end
  local whole, rest = muldiv(spacing.limit.requests, micros, spacing.limit.window)
  return whole + math.floor((rest + to[2] - from[2]) / spacing.limit.window)
end

-- How long after another a moment is, rounded up; 0 if it is not after.
local function since(moment, other)
  if not is_before(other, moment) then
    return 0
  end
  return moment[1] - other[1] + (moment[2] > other[2] and 1 or 0)
end

-- Moves a moment on by what was admitted elsewhere: that counts in full, up to eight windows, so that a clock that went
-- back is forgotten some time.
local function add_evenly(state, limit, cost, now)
  local moved = after(spacing_of(limit), later(state, at(now)), cost)
  state[1], state[2] = unpack(earlier(moved, at(now + 8 * limit.window)))
  return since(state, at(now))
end

-- The cost as it counts: at least 1, and one that is too large by any amount is too large by one.
local function counted(cost, capacity)
  return math.min(math.max(cost, 1), capacity + 1)
end

-- A state is kept as a few whole numbers with blanks between them.
local function load(key)
  local text = redis.call('GET', key)
  local state = { text = text }
  for field in string.gmatch(text or '', '%d+') do
    state[#state + 1] = tonumber(field)
  end
  return #state == 3 and state or { 0, 0, 0 }
end

-- Kept until the key is as good as new.
local function save(key, state, reset)
  local text = string.format('%.0f %.0f %.0f', state[1], state[2], state[3])
  if text ~= state.text then
    redis.call('SET', key, text, 'PX', math.ceil(reset / 1000) + 1)
  end
end
