-- The state is when the latest token came, and how many are missing.
local function before(spacing, moment, count)
  local parts = count * spacing.rest
  local whole = math.floor(parts / spacing.limit.requests)
  local part = moment[2] - (parts - whole * spacing.limit.requests)
  local borrow = part < 0 and 1 or 0
  return { math.max(moment[1] - count * spacing.whole - whole - borrow, 0), part + borrow * spacing.limit.requests }
end

local function between_rounded_up(spacing, from, to)
  local whole = between(spacing, from, to)
  return whole + (is_before(after(spacing, from, whole), to) and 1 or 0)
end

local function refill(spacing, state, limit, now)
  local came = { state[1], state[2] }
  local early = between_rounded_up(spacing, at(now), came)
  local come = between(spacing, came, at(now))
  local missing = state[3]
  if missing + early > limit.burst then
    came, missing = at(now), limit.burst
  elseif early > 0 then
    came, missing = before(spacing, came, early), missing + early
  elseif come >= missing then
    came, missing = at(now), 0
  else
    came, missing = after(spacing, came, come), missing - come
  end
  state[1], state[2], state[3] = came[1], came[2], missing
end

local function judge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  cost = counted(cost, limit.burst)
  refill(spacing, state, limit, now)
  local tokens = limit.burst - state[3]
  local admits = cost <= tokens
  local wanting = since(after(spacing, state, math.max(cost - tokens, 0)), at(now))
  local retry = cost > limit.burst and NEVER or wanting
  return { admits, tokens, since(after(spacing, state, state[3]), at(now)), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local spacing = spacing_of(limit)
  refill(spacing, state, limit, now)
  state[3] = state[3] + counted(cost, limit.burst)
  return since(after(spacing, state, state[3]), at(now))
end
