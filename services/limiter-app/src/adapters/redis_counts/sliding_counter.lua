-- The state is the current window's number since 1970, the count of the one before, and its own.
--
-- A window that holds more than the limit hands the rest on to the next, a limit at most: the counts of a window and of the
-- one before it, where the one before it held so many.
local function handed_on(limit, count)
  local kept = math.min(count, limit.requests)
  return kept, math.min(count - kept, limit.requests)
end

local function advance(state, limit, now)
  local current = math.floor(now / limit.window)
  if state[1] > current + 1 then
    state[1], state[2], state[3] = current + 1, limit.requests, limit.requests
  end
  -- After three nothing is left of any state.
  for _ = 1, math.min(current - state[1], 3) do
    state[2], state[3] = handed_on(limit, state[3])
  end
  state[1] = math.max(state[1], current)
end

local function left(state, limit, now)
  return (state[1] + 1) * limit.window - now
end

local function in_sight(state, limit, now)
  local whole, rest = muldiv(state[2], math.min(left(state, limit, now), limit.window), limit.window)
  return whole + (rest > 0 and 1 or 0)
end

local function sight(room, limit, count)
  return (muldiv(room, limit.window, count))
end

local function room_after(state, limit, cost, now)
  local room, until_then, previous, count = limit.requests - cost, left(state, limit, now), state[2], state[3]
  while count > room do
    until_then = until_then + limit.window
    previous, count = handed_on(limit, count)
  end
  return math.max(until_then - sight(room - count, limit, math.max(previous, 1)), 0)
end

local function reset_after(state, limit, now)
  if state[3] > 0 then
    return left(state, limit, now) + limit.window * math.min(math.ceil(state[3] / limit.requests), 2)
  end
  return state[2] > 0 and left(state, limit, now) or 0
end

local function judge(state, limit, cost, now)
  advance(state, limit, now)
  cost = counted(cost, limit.requests)
  local remaining = math.max(limit.requests - state[3] - in_sight(state, limit, now), 0)
  local admits = cost <= remaining
  local retry = cost > limit.requests and NEVER or room_after(state, limit, cost, now)
  return { admits, remaining, reset_after(state, limit, now), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  state[3] = state[3] + counted(cost, limit.requests)
  return reset_after(state, limit, now)
end

-- What was admitted elsewhere counts in full, up to twice the limit.
local function add(state, limit, cost, now)
  advance(state, limit, now)
  state[3] = math.min(state[3] + cost, 2 * limit.requests)
  return reset_after(state, limit, now)
end

-- There is no debt: a count above the limit itself refuses, and is handed on.
local function until_one_fits()
  return 0
end
