-- Creates records, each with an Idempotency-Key of its own, as one of the tokens in a file: one per line.
-- wrk -s bench/create.lua URL -- FILE PATH

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  heads = {}
  for token in io.lines(args[1]) do
    heads[#heads + 1] = "POST " .. args[2] .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
      .. "\r\nContent-Type: application/json\r\nAuthorization: Bearer " .. token .. "\r\n"
  end
  made = 0
  run = os.time() .. "-" .. number .. "-"
  math.randomseed(os.time() + number)
end

function request()
  made = made + 1
  local key = run .. made
  local body = '{"name":"Company ' .. key .. '","country":"Germany","website":"https://example.com","symbol":"EX"}'
  return heads[math.random(#heads)] .. "Idempotency-Key: " .. key .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary)
  print(string.format("refused %d", summary.errors.status))
end
