-- KEYS: a key a charge. ARGV: the time in microseconds, or 0 for the server's; then for each charge its limit's requests,
-- window in microseconds and burst, 1 if it is enforced, and its cost.
-- Returns for each charge whether it finds room, what remains, and after how many microseconds all is there again, there
-- is room (-1 for never), the request may pass, and one more finds room.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local limits, costs, states, standings, passes = {}, {}, {}, {}, true
-- What earlier charges of a key cost: those of the same key come on top. A dry run that finds no room is left out.
local before = {}
for index, key in ipairs(KEYS) do
  local first = 2 + (index - 1) * 5
  local enforced = ARGV[first + 3] == '1'
  costs[index] = tonumber(ARGV[first + 4])
  limits[index] =
    { requests = tonumber(ARGV[first]), window = tonumber(ARGV[first + 1]), burst = tonumber(ARGV[first + 2]) }
  states[key] = states[key] or load(key)
  standings[index] = judge(states[key], limits[index], (before[key] or 0) + math.max(costs[index], 1), now)
  if standings[index][1] or enforced then
    before[key] = (before[key] or 0) + costs[index]
  end
  passes = passes and (standings[index][1] or not enforced)
end

local reply, charged = {}, {}
for index, key in ipairs(KEYS) do
  local limit, cost = limits[index], costs[index]
  local standing = charged[key] and judge(states[key], limit, cost, now) or standings[index]
  if passes and standing[1] and cost > 0 then
    standing[3] = charge(states[key], limit, cost, now)
    standing[2] = math.max(standing[2] - cost, 0)
    save(key, states[key], standing[3])
    charged[key] = true
  elseif states[key].text and standing[3] > 0 then
    -- What was made of a clock that went back is kept, so that the key heals.
    save(key, states[key], standing[3])
  end
  reply[#reply + 1] = standing[1] and 1 or 0
  -- What a fresh key has is all that ever fits, so that one more never does.
  standing[6] = math.max(judge(states[key], limit, standing[2] + 1, now)[4], 0)
  for place = 2, 6 do
    reply[#reply + 1] = standing[place]
  end
end
return reply
