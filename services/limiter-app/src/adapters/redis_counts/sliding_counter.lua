-- The state is the current window's number since 1970, the count of the one before, and its own.
local function advance(state, limit, now)
  local current = math.floor(now / limit.window)
  if state[1] + 1 == current then
    state[1], state[2], state[3] = current, state[3], 0
  elseif state[1] < current then
    state[1], state[2], state[3] = current, 0, 0
  elseif state[1] > current + 1 then
    state[1], state[2], state[3] = current + 1, limit.requests, limit.requests
  end
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
  local room = limit.requests - cost
  if room >= state[3] then
    return math.max(left(state, limit, now) - sight(room - state[3], limit, math.max(state[2], 1)), 0)
  end
  return left(state, limit, now) + math.max(limit.window - sight(room, limit, state[3]), 0)
end

local function reset_after(state, limit, now)
  if state[3] > 0 then
    return left(state, limit, now) + limit.window
  end
  return state[2] > 0 and left(state, limit, now) or 0
end

local function look(state, limit, cost, now)
  advance(state, limit, now)
  cost = counted(cost, limit.requests)
  local remaining = math.max(limit.requests - state[3] - in_sight(state, limit, now), 0)
  local admits = cost <= remaining
  local retry = cost > limit.requests and limit.window or room_after(state, limit, cost, now)
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
