-- /etc/haproxy/vestibule.lua: asks Vestibule about a request, for haproxy 2.6 and later, with its own HTTP client.
--
--   http-request set-var(txn.vestibule_site) str(https://app.example.com)
--   http-request lua.vestibule http://127.0.0.1:3000/forward-auth
--
-- Afterwards `txn.vestibule_status` is 200, 401 or 403, or 503 where no answer came; `txn.vestibule_way_in` is where a browser
-- should go on, if anywhere; and with 200 the request carries Remote-User, -Email, -Name and -Groups, those of a client gone, and
-- none of our cookies, which are not the site's business.

local NAMES = { "remote-user", "remote-email", "remote-name", "remote-groups" }
local PASSED_ON = { "accept", "sec-fetch-mode", "user-agent", "x-request-id" }

local OURS = { ["vestibule"] = true, ["vestibule-access"] = true, ["vestibule-session"] = true, ["vestibule-waiting"] = true }

local function first(values)
  return values and values[0]
end

-- A client of HTTP/1 may send several `Cookie` lines.
local function all(lines)
  local joined = {}
  for place = 0, #lines do joined[#joined + 1] = lines[place] end
  return table.concat(joined, "; ")
end

local function without_ours(cookies)
  local kept = {}
  for cookie in cookies:gmatch("[^;]+") do
    local name = cookie:match("^%s*([^=]*)")
    local bare = name:gsub("^__Host%-", ""):gsub("^__Secure%-", "")
    if not OURS[bare] then
      kept[#kept + 1] = cookie:match("^%s*(.-)%s*$")
    end
  end
  return table.concat(kept, "; ")
end

core.register_action("vestibule", { "http-req" }, function(txn, address)
  local came = txn.http:req_get_headers()
  local headers = {
    ["x-original-url"] = { txn:get_var("txn.vestibule_site") .. txn.f:pathq() },
    ["x-original-method"] = { txn.f:method() },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for _, name in ipairs(PASSED_ON) do
    local value = first(came[name])
    if value then headers[name] = { value } end
  end
  if came["cookie"] then headers["cookie"] = { all(came["cookie"]) } end

  for _, name in ipairs(NAMES) do
    txn.http:req_del_header(name)
  end
  txn:set_var("txn.vestibule_status", 503)

  local answer = core.httpclient():get({ url = address .. "?mode=nginx", headers = headers, timeout = 5000 })
  local status = answer and answer.status
  if status == 200 then
    for _, name in ipairs(NAMES) do
      local value = first(answer.headers[name])
      if value and value ~= "" then txn.http:req_set_header(name, value) end
    end
    if first(came["cookie"]) then
      local kept = without_ours(all(came["cookie"]))
      txn.http:req_del_header("cookie")
      if kept ~= "" then txn.http:req_set_header("cookie", kept) end
    end
  elseif status == 401 or status == 403 then
    local way_in = first(answer.headers["location"])
    if way_in then txn:set_var("txn.vestibule_way_in", way_in) end
  else
    return
  end
  txn:set_var("txn.vestibule_status", status)
end, 1)
