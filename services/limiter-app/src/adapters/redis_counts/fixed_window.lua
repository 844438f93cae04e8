-- The state is the window's number since 1970, and its count.
local function advance(state, limit, now)
  local current = math.floor(now / limit.window)
  if state[1] < current then
    state[1], state[2] = current, 0
  elseif state[1] > current + 1 then
    state[1], state[2] = current + 1, limit.requests
  end
end

local function ends(state, limit, now)
  return (state[1] + 1) * limit.window - now
end

local function judge(state, limit, cost, now)
  advance(state, limit, now)
  cost = counted(cost, limit.requests)
  local remaining = limit.requests - state[2]
  local admits = cost <= remaining
  local retry = cost > limit.requests and NEVER or ends(state, limit, now)
  return { admits, remaining, state[2] == 0 and 0 or ends(state, limit, now), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  state[2] = state[2] + counted(cost, limit.requests)
  return ends(state, limit, now)
end

-- No debt outlives its window, so no more counts than fits.
local function add(state, limit, cost, now)
  advance(state, limit, now)
  state[2] = math.min(state[2] + cost, limit.requests)
  return ends(state, limit, now)
end

-- There is no debt: the count itself refuses until the window ends.
local function until_one_fits()
  return 0
end
