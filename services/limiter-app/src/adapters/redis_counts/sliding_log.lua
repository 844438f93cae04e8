-- The state is a list of what was admitted in the last window, the oldest first: `micros cost total`, where the total
-- is of all that was admitted since the list began. So what is in sight is the difference of two totals.
local function entry(text)
  local micros, cost, total = string.match(text or '', '^(%d+) (%d+) (%d+)$')
  return micros and { tonumber(micros), tonumber(cost), tonumber(total) }
end

local function oldest(key)
  return entry(redis.call('LINDEX', key, 0))
end

local function newest(key)
  return entry(redis.call('LINDEX', key, -1))
end

local function push(key, micros, cost, total)
  redis.call('RPUSH', key, string.format('%.0f %.0f %.0f', micros, cost, total))
end

-- The state names the list here, and holds what is in sight.
load = function(key)
  local first, last = oldest(key), newest(key)
  return { key = key, used = first and last[3] - first[3] + first[2] or 0, last = last }
end

-- The list is as it should be already; it stays until the newest is out of sight.
save = function(key, _, reset)
  redis.call('PEXPIRE', key, math.ceil(reset / 1000) + 1)
end

local function advance(state, limit, now)
  if state.last and state.last[1] > now + limit.window then
    redis.call('DEL', state.key)
    push(state.key, now, limit.requests, limit.requests)
    save(state.key, state, limit.window)
    state.used, state.last = limit.requests, newest(state.key)
    return now
  end
  now = math.max(now, state.last and state.last[1] or 0)
  local first = oldest(state.key)
  while first and first[1] + limit.window <= now do
    redis.call('LPOP', state.key)
    state.used = state.used - first[2]
    first = oldest(state.key)
  end
  if not first then
    state.last = nil
  end
  return now
end

-- When this much of the log will have left the window.
local function left_at(state, limit, cost)
  for _, text in ipairs(redis.call('LRANGE', state.key, 0, math.max(cost - 1, 0))) do
    local each = entry(text)
    cost = math.max(cost - each[2], 0)
    if cost == 0 then
      return each[1] + limit.window
    end
  end
  return 0
end

local function reset_after(state, limit, now)
  return state.last and math.max(state.last[1] + limit.window - now, 0) or 0
end

local function judge(state, limit, cost, now)
  advance(state, limit, now)
  cost = counted(cost, limit.requests)
  local remaining = math.max(limit.requests - state.used, 0)
  local admits = cost <= remaining
  local retry = NEVER
  if cost <= limit.requests and not admits then
    retry = math.max(left_at(state, limit, cost - remaining) - now, 0)
  end
  return { admits, remaining, reset_after(state, limit, now), admits and 0 or retry, 0 }
end

local function charge(state, limit, cost, now)
  local seen = advance(state, limit, now)
  cost = counted(cost, limit.requests)
  local total = state.last and state.last[3] or 0
  push(state.key, seen, cost, total + cost)
  state.used, state.last = state.used + cost, { seen, cost, total + cost }
  return reset_after(state, limit, now)
end
