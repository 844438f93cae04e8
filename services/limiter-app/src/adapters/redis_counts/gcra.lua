-- The state is the due time.
local function advance(pace, state, limit, now)
  local furthest = after(pace, at(now), limit.burst)
  state[1], state[2] = unpack(earlier(later(state, at(now)), furthest))
  return furthest
end

local function look(state, limit, cost, now)
  local pace = pace_of(limit)
  cost = counted(cost, limit.burst)
  local furthest = advance(pace, state, limit, now)
  local following = after(pace, state, cost)
  local admits = not is_before(furthest, following)
  local retry = cost > limit.burst and NEVER or since(following, furthest)
  return { admits, spacings(pace, state, furthest), since(state, at(now)), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local pace = pace_of(limit)
  advance(pace, state, limit, now)
  state[1], state[2] = unpack(after(pace, state, counted(cost, limit.burst)))
  return since(state, at(now))
end

local add = add_evenly

-- Until when more is owed than a used-up key owes.
local function owes(state, limit, now)
  local pace = pace_of(limit)
  return since(after(pace, state, 1), after(pace, at(now), limit.burst))
end
