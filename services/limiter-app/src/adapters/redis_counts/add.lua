-- KEYS: keys whose requests were admitted elsewhere. ARGV: the time in microseconds, or 0 for the server's; then for each
-- key its limit's requests, window in microseconds and burst, and what was admitted; that may be nothing.
-- Returns for each key its state as three numbers, and how many microseconds it takes until one more request fits: 0 if one
-- fits now.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local reply = {}
for index, key in ipairs(KEYS) do
  local first = 2 + (index - 1) * 4
  local limit =
    { requests = tonumber(ARGV[first]), window = tonumber(ARGV[first + 1]), burst = tonumber(ARGV[first + 2]) }
  local state, cost = load(key), tonumber(ARGV[first + 3])
  if cost > 0 then
    save(key, state, add(state, limit, cost, now))
  end
  for place = 1, 3 do
    reply[#reply + 1] = string.format('%.0f', state[place])
  end
  reply[#reply + 1] = string.format('%.0f', until_one_fits(state, limit, now))
end
return reply
