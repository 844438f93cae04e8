-- The state is when the latest token came, and how many are missing.
local function before(pace, moment, count)
  local parts = count * pace.rest
  local whole = math.floor(parts / pace.limit.requests)
  local part = moment[2] - (parts - whole * pace.limit.requests)
  local borrow = part < 0 and 1 or 0
  return { math.max(moment[1] - count * pace.whole - whole - borrow, 0), part + borrow * pace.limit.requests }
end

local function spacings_up(pace, from, to)
  local whole = spacings(pace, from, to)
  return whole + (is_before(after(pace, from, whole), to) and 1 or 0)
end

local function refill(pace, state, limit, now)
  local came = { state[1], state[2] }
  local early = spacings_up(pace, at(now), came)
  local come = spacings(pace, came, at(now))
  local missing = state[3]
  if missing + early > limit.burst then
    came, missing = at(now), limit.burst
  elseif early > 0 then
    came, missing = before(pace, came, early), missing + early
  elseif come >= missing then
    came, missing = at(now), 0
  else
    came, missing = after(pace, came, come), missing - come
  end
  state[1], state[2], state[3] = came[1], came[2], missing
end

local function look(state, limit, cost, now)
  local pace = pace_of(limit)
  cost = counted(cost, limit.burst)
  refill(pace, state, limit, now)
  local tokens = limit.burst - state[3]
  local admits = cost <= tokens
  local wanting = since(after(pace, state, math.max(cost - tokens, 0)), at(now))
  local retry = cost > limit.burst and NEVER or wanting
  return { admits, tokens, since(after(pace, state, state[3]), at(now)), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local pace = pace_of(limit)
  refill(pace, state, limit, now)
  state[3] = state[3] + counted(cost, limit.burst)
  return since(after(pace, state, state[3]), at(now))
end
