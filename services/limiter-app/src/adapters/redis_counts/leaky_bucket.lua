-- The state is the moment at which the next request leaves.
local MAX_WAIT = 1000000

local function latest_of(pace, limit, now)
  return earlier(after(pace, at(now), limit.burst), at(now + MAX_WAIT))
end

local function advance(pace, state, limit, now)
  local latest = latest_of(pace, limit, now)
  state[1], state[2] = unpack(earlier(later(state, at(now)), after(pace, latest, 1)))
  return latest
end

local function look(state, limit, cost, now)
  local pace = pace_of(limit)
  local behind = counted(cost, limit.burst + 1) - 1
  local latest = advance(pace, state, limit, now)
  local leaves = after(pace, state, behind)
  local admits = not is_before(latest, leaves)
  local fits = behind <= spacings(pace, at(now), latest)
  local retry = fits and since(leaves, latest) or NEVER
  local remaining = is_before(latest, state) and 0 or spacings(pace, state, latest) + 1
  return { admits, remaining, since(state, at(now)), admits and 0 or retry, admits and since(leaves, at(now)) or 0 }
end

local function charge(state, limit, cost, now)
  local pace = pace_of(limit)
  advance(pace, state, limit, now)
  state[1], state[2] = unpack(after(pace, state, counted(cost, limit.burst + 1)))
  return since(state, at(now))
end

local add = add_evenly

-- Until when more is owed than a full queue owes.
local function owes(state, limit, now)
  return since(state, latest_of(pace_of(limit), limit, now))
end
