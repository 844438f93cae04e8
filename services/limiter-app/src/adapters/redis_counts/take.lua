-- KEYS: a key a charge. ARGV: the cost; the time in microseconds, or 0 for the server's; then for each charge its limit's
-- requests, window in microseconds and burst, and 1 if it is enforced.
-- Returns for each charge whether it finds room, what remains, and after how many microseconds all is there again, there
-- is room, and the request may pass.
local cost, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local limits, states, standings, passes = {}, {}, {}, true
local charged = {}
for index, key in ipairs(KEYS) do
  local first = 3 + (index - 1) * 4
  local enforced = ARGV[first + 3] == '1'
  limits[index] =
    { requests = tonumber(ARGV[first]), window = tonumber(ARGV[first + 1]), burst = tonumber(ARGV[first + 2]) }
  states[key] = states[key] or load(key)
  standings[index] = look(states[key], limits[index], cost, now)
  passes = passes and (standings[index][1] or not enforced)
end

local reply = {}
for index, key in ipairs(KEYS) do
  -- A key that is there twice is charged twice, if it has room for that.
  local standing = charged[key] and look(states[key], limits[index], cost, now) or standings[index]
  if passes and standing[1] then
    standing[3] = charge(states[key], limits[index], cost, now)
    standing[2] = math.max(standing[2] - math.max(cost, 1), 0)
    save(key, states[key], standing[3])
    charged[key] = true
  end
  reply[#reply + 1] = standing[1] and 1 or 0
  for place = 2, 5 do
    reply[#reply + 1] = standing[place]
  end
end
return reply
