-- The state is the moment at which the next request leaves.
local MAX_WAIT = 1000000

local function queue(pace, state, limit, now)
  local latest = earlier(after(pace, at(now), limit.burst), at(now + MAX_WAIT))
  return earlier(later(state, at(now)), after(pace, latest, 1)), latest
end

local function look(state, limit, cost, now)
  local pace = pace_of(limit)
  local behind = counted(cost, limit.burst + 1) - 1
  local free, latest = queue(pace, state, limit, now)
  local leaves = after(pace, free, behind)
  local admits = not is_before(latest, leaves)
  local fits = behind <= spacings(pace, at(now), latest)
  local retry = fits and since(leaves, latest) or limit.window
  local remaining = is_before(latest, free) and 0 or spacings(pace, free, latest) + 1
  return { admits, remaining, since(free, at(now)), admits and 0 or retry, admits and since(leaves, at(now)) or 0 }
end

local function charge(state, limit, cost, now)
  local pace = pace_of(limit)
  local free = queue(pace, state, limit, now)
  state[1], state[2] = unpack(after(pace, free, counted(cost, limit.burst + 1)))
  return since(state, at(now))
end

-- What was admitted elsewhere counts in full, however far ahead that is.
local function add(state, limit, cost, now)
  state[1], state[2] = unpack(after(pace_of(limit), later(state, at(now)), cost))
  return since(state, at(now))
end
