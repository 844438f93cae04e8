-- The state is the moment at which the next request leaves.
local MAX_WAIT = 1000000

local function latest_of(spacing, limit, now)
  return earlier(after(spacing, at(now), limit.burst), at(now + MAX_WAIT))
end

local function advance(spacing, state, limit, now)
  local latest = latest_of(spacing, limit, now)
  state[1], state[2] = unpack(earlier(later(state, at(now)), after(spacing, latest, 1)))
  return latest
end

local function judge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  local behind = counted(cost, limit.burst + 1) - 1
  local latest = advance(spacing, state, limit, now)
  local leaves = after(spacing, state, behind)
  local admits = not is_before(latest, leaves)
  local fits = behind <= between(spacing, at(now), latest)
  local retry = fits and since(leaves, latest) or NEVER
  local remaining = is_before(latest, state) and 0 or between(spacing, state, latest) + 1
  return { admits, remaining, since(state, at(now)), admits and 0 or retry, admits and since(leaves, at(now)) or 0 }
end

local function charge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  advance(spacing, state, limit, now)
  state[1], state[2] = unpack(after(spacing, state, counted(cost, limit.burst + 1)))
  return since(state, at(now))
end

local add = add_evenly

-- How long until one more request fits; 0 if one fits now.
local function until_one_fits(state, limit, now)
  return since(state, latest_of(spacing_of(limit), limit, now))
end
