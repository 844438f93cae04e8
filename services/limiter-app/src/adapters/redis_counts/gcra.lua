-- The state is the theoretical arrival time (TAT) of the next request.
local function advance(spacing, state, limit, now)
  local furthest = after(spacing, at(now), limit.burst)
  state[1], state[2] = unpack(earlier(later(state, at(now)), furthest))
  return furthest
end

local function judge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  cost = counted(cost, limit.burst)
  local furthest = advance(spacing, state, limit, now)
  local following = after(spacing, state, cost)
  local admits = not is_before(furthest, following)
  local retry = cost > limit.burst and NEVER or since(following, furthest)
  return { admits, between(spacing, state, furthest), since(state, at(now)), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  advance(spacing, state, limit, now)
  state[1], state[2] = unpack(after(spacing, state, counted(cost, limit.burst)))
  return since(state, at(now))
end

local add = add_evenly

-- How long until one more request fits; 0 if one fits now.
local function until_one_fits(state, limit, now)
  local spacing = spacing_of(limit)
  return since(after(spacing, state, 1), after(spacing, at(now), limit.burst))
end
