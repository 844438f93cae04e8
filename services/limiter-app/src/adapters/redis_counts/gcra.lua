-- The state is the due time.
local function ahead(pace, state, limit, now)
  local furthest = after(pace, at(now), limit.burst)
  return earlier(later(state, at(now)), furthest), furthest
end

local function look(state, limit, cost, now)
  local pace = pace_of(limit)
  cost = counted(cost, limit.burst)
  local due, furthest = ahead(pace, state, limit, now)
  local following = after(pace, due, cost)
  local admits = not is_before(furthest, following)
  local retry = cost > limit.burst and limit.window or since(following, furthest)
  return { admits, spacings(pace, due, furthest), since(due, at(now)), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local pace = pace_of(limit)
  local due = ahead(pace, state, limit, now)
  state[1], state[2] = unpack(after(pace, due, counted(cost, limit.burst)))
  return since(state, at(now))
end

-- What was admitted elsewhere counts in full, however far ahead that is.
local function add(state, limit, cost, now)
  state[1], state[2] = unpack(after(pace_of(limit), later(state, at(now)), cost))
  return since(state, at(now))
end
