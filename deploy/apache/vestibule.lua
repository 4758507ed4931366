-- /etc/apache2/vestibule.lua: asks Vestibule about a request. For mod_lua, with LuaSocket (Debian: lua-socket).
--
--   SetEnvIf Request_URI "^" VESTIBULE_SITE=https://app.example.com
--   SetEnvIf Request_URI "^" VESTIBULE_ASK=127.0.0.1:3000/forward-auth
--   LuaHookAccessChecker /etc/apache2/vestibule.lua check
--
-- 200 lets the request on with Remote-User, -Email, -Name and -Groups, those of a client gone; 401 and 403 are answered so, or
-- with the way on for a browser. Without an answer nobody comes in.

local socket = require "socket"

local NAMES = { "Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups" }
local PASSED_ON = { "Cookie", "Accept", "Sec-Fetch-Mode", "User-Agent" }
local TIMEOUT = 5

-- One question on a connection of its own; `nil` where no whole answer came.
local function ask(host, port, path, headers)
  local connection = socket.tcp()
  connection:settimeout(TIMEOUT)
  local lines = { "GET " .. path .. " HTTP/1.1", "Host: " .. host, "Connection: close" }
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value:gsub("[\r\n]", " ")
  end
  local sent = connection:connect(host, port) and connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
  local status = sent and (connection:receive("*l") or ""):match("^HTTP/1%.%d (%d%d%d)")
  local answered = {}
  local line = status and connection:receive("*l")
  while line and line ~= "" do
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if name then answered[name:lower()] = value end
    line = connection:receive("*l")
  end
  connection:close()
  if line == "" then return tonumber(status), answered end
end

function check(r)
  -- A request within ours, such as one for an error page, was asked about already.
  if not r.is_initial_req then return apache2.DECLINED end
  local site = r.subprocess_env["VESTIBULE_SITE"]
  local host, port, path = (r.subprocess_env["VESTIBULE_ASK"] or ""):match("^([^:/]+):(%d+)(/.*)$")
  if not site or not host then return 503 end
  local headers = {
    ["X-Original-URL"] = site .. r.unparsed_uri,
    ["X-Original-Method"] = r.method,
    ["X-Forwarded-For"] = r.useragent_ip,
    ["X-Request-Id"] = r.subprocess_env["UNIQUE_ID"],
  }
  for _, name in ipairs(PASSED_ON) do
    headers[name] = r.headers_in[name]
  end
  for _, name in ipairs(NAMES) do
    r.headers_in[name] = nil
  end

  local status, answered = ask(host, tonumber(port), path .. "?mode=nginx", headers)
  if status == 200 then
    for _, name in ipairs(NAMES) do
      local value = answered[name:lower()]
      if value and value ~= "" then r.headers_in[name] = value end
    end
    return apache2.DECLINED
  end
  if status ~= 401 and status ~= 403 then return 503 end
  local way_in = answered["location"]
  if way_in then
    r.err_headers_out["Location"] = way_in
    return 303
  end
  return status
end
