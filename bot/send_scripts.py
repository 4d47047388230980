"""The scripts that share a carrier's limit over all processes, each one step inside Redis.

Redis' own clock counts, as those of machines differ; `now` is only given by tests. Times are
seconds, answers whole microseconds to wait (0: go now). A limit is two keys: a hash with what
holds for everybody, and the dialogs that wait just now, which bulk lets pass.
"""

from typing import Final

_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local function wait(seconds) return math.ceil(seconds * 1000000) end
"""

_PAUSED: Final = """
local paused = tonumber(redis.call('HGET', KEYS[1], 'paused_until') or 0)
if paused > now then return wait(paused - now) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('PEXPIRE', KEYS[2], 10000)
"""

# KEYS: limit, waiting dialogs, log of the messages of the last second, chat (or none)
# ARGV: now, messages a second, length of the window, lane, who asks, name of the message
#
# Bulk goes a little faster than the limit would let it, so that a gap is made up for, but never in
# one rush: slots that were taken together come back together, and a dialog would wait for them.
# Redis that lost everything does not know what went out a moment ago: bulk waits a second. The
# chat's second begins when the message goes, which may be later than its place there was taken.
SLOT: Final = (
    _NOW
    + _PAUSED
    + """
local per_s, window, lane = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - window)
local taken, kept_free = redis.call('ZCARD', KEYS[3]), 0
if lane == 'bulk' then
  local bulk_from = tonumber(redis.call('HGET', KEYS[1], 'bulk_from'))
  if not bulk_from then
    bulk_from = now + window
    redis.call('HSET', KEYS[1], 'bulk_from', bulk_from)
  end
  if bulk_from > now then return wait(bulk_from - now) end
  kept_free = redis.call('ZCARD', KEYS[2])
end
local over = taken + kept_free - per_s
if over >= 0 then
  local rank = math.min(over, taken - 1)
  local free_at = now + window / per_s
  if rank >= 0 then
    free_at = redis.call('ZRANGE', KEYS[3], rank, rank, 'WITHSCORES')[2] + window
  end
  if lane ~= 'bulk' then redis.call('ZADD', KEYS[2], free_at + 0.2, ARGV[5]) end
  return wait(math.max(free_at - now, 0.0005))
end
redis.call('ZADD', KEYS[3], now, ARGV[6])
redis.call('PEXPIRE', KEYS[3], 10000)
if lane == 'bulk' then
  redis.call('HSET', KEYS[1], 'bulk_from', now + 0.85 * window / per_s)
else
  redis.call('ZREM', KEYS[2], ARGV[5])
end
if KEYS[4] and tonumber(redis.call('GET', KEYS[4]) or 0) < now + 1 then
  redis.call('SET', KEYS[4], string.format('%.6f', now + 1), 'PX', 1000)
end
return 0
"""
)

# KEYS: limit, waiting dialogs
# ARGV: now, parts a second, parts of this message, lane, who asks
PARTS: Final = (
    _NOW
    + _PAUSED
    + """
local free_at = tonumber(redis.call('HGET', KEYS[1], 'free_at') or 0)
if ARGV[4] == 'bulk' and free_at <= now and redis.call('ZCARD', KEYS[2]) > 0 then
  return wait(0.02)
end
if free_at > now then
  if ARGV[4] ~= 'bulk' then redis.call('ZADD', KEYS[2], free_at + 0.2, ARGV[5]) end
  return wait(free_at - now)
end
redis.call('ZREM', KEYS[2], ARGV[5])
redis.call('HSET', KEYS[1], 'free_at', now + tonumber(ARGV[3]) / tonumber(ARGV[2]))
return 0
"""
)

# KEYS: chat. ARGV: now, messages at once before it is one a second, longest wait worth a place
# Up to the longest wait the place is taken: who asked comes after it, without asking again.
CHAT: Final = (
    _NOW
    + """
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local pause = math.max(0, free_at - (tonumber(ARGV[2]) - 1) - now)
if pause <= tonumber(ARGV[3]) then
  local kept_ms = math.ceil((free_at + 1 - now) * 1000)
  redis.call('SET', KEYS[1], string.format('%.6f', free_at + 1), 'PX', kept_ms)
end
return wait(pause)
"""
)

# KEYS: limit. ARGV: now, seconds
PAUSE: Final = (
    _NOW
    + """
local before = tonumber(redis.call('HGET', KEYS[1], 'paused_until') or 0)
redis.call('HSET', KEYS[1], 'paused_until', math.max(before, now + tonumber(ARGV[2])))
return 0
"""
)

# KEYS: log. ARGV: name of the message, seconds
DELAY: Final = "redis.call('ZADD', KEYS[1], 'XX', 'INCR', ARGV[2], ARGV[1]) return 0"
