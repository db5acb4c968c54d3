-- Requests at random out of a file: one `path<TAB>token` per line, prepared before the clock starts.
-- wrk -s bench/get.lua URL -- FILE [PAUSE]
-- With PAUSE, each connection waits so many milliseconds before the next request.

local requests = {}

function init(args)
  local pause = tonumber(args[2] or "0")
  if pause > 0 then
    delay = function() return pause end
  end
  for line in io.lines(args[1]) do
    local path, token = line:match("^([^\t]+)\t(.*)$")
    local headers = {}
    if token ~= "" then headers["Authorization"] = "Bearer " .. token end
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
  math.randomseed(os.time())
end

function request()
  return requests[math.random(#requests)]
end

function done(summary)
  print(string.format("refused %d", summary.errors.status))
end
