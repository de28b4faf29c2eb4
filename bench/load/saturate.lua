-- Bodies for wrk: args are KIND (small, agent, history or unique) and a file of JSON-escaped texts, one a line.
local kind, texts_path, small_request = nil, nil, nil
local texts = {}
local small = '{"model":"mock/gpt-4o-mini","messages":[{"role":"user","content":"Say in one sentence why a toll road remembers."}],"max_tokens":100,"n":1,"stream":false}'

local session_count = 32
local start_bytes, end_bytes = 80 * 1024, 112 * 1024
local unique_bytes = 96 * 1024
local sessions, turn, serial = {}, 0, 0
local head = '{"model":"mock/gpt-4o-mini","messages":[{"role":"system","content":"'
local tools = nil

local function text()
  return texts[math.random(#texts)]
end

-- An assistant's tool call and its result, as an agent's turn leaves them in the history. A number makes each unlike any other.
local function exchange()
  serial = serial + 1
  local id = string.format('call_%08x%08x', serial, math.random(0, 0x7fffffff))
  return ',{"role":"assistant","content":null,"tool_calls":[{"id":"' .. id .. '","type":"function","function":{"name":"read","arguments":"{\\"path\\":\\"src/' .. id .. '.ts\\"}"}}]}'
    .. ',{"role":"tool","tool_call_id":"' .. id .. '","content":"' .. id .. ' ' .. text() .. '"}'
end

local function history_of(bytes)
  serial = serial + 1
  local parts = { head, string.format('session %x %x ', serial, math.random(0, 0x7fffffff)), text(), '"},{"role":"user","content":"', text(), '"}' }
  local size = 0
  for _, part in ipairs(parts) do size = size + #part end
  size = size + #tools
  while size < bytes do
    local part = exchange()
    parts[#parts + 1] = part
    size = size + #part
  end
  return table.concat(parts)
end

local function body_of(history, key)
  return history .. '],"stream":false,"max_tokens":1024,' .. tools .. ',"prompt_cache_key":"' .. key .. '"}'
end

function init(args)
  kind, texts_path = args[1], args[2]
  math.randomseed(tonumber(args[3]))
  for line in io.lines(texts_path) do texts[#texts + 1] = line end
  local definitions = {}
  for n = 1, 16 do
    definitions[n] = '{"type":"function","function":{"name":"tool_' .. n .. '","description":"' .. texts[n]:sub(1, 600):gsub('\\.?$', '')
      .. '","parameters":{"type":"object","properties":{"path":{"type":"string"},"limit":{"type":"integer"}},"required":["path"]}}}'
  end
  tools = '"tools":[' .. table.concat(definitions, ',') .. ']'
  wrk.method = 'POST'
  wrk.headers['content-type'] = 'application/json'
end

-- The same with short texts: 2 to 5 KB. The line of the system prompt is the one that OpenClaw writes.
local function brief()
  return (text():sub(1, 90):gsub('\\+$', ''))
end

local function next_agent()
  turn = turn % session_count + 1
  local session = sessions[turn]
  if session == nil or #session.history > 5000 then
    serial = serial + 1
    local key = string.format('%08x-0000-4000-8000-%012x', serial, math.random(0, 0x7fffffff))
    session = {
      key = key,
      history = head .. 'You are an assistant. ' .. brief() .. '\\nRuntime: agent=main | session=agent:main:main | sessionId=' .. key
        .. ' | host=vm"},{"role":"user","content":"' .. brief() .. '"}',
    }
    sessions[turn] = session
  end
  serial = serial + 1
  local id = string.format('call_%08x%08x', serial, math.random(0, 0x7fffffff))
  session.history = session.history .. ',{"role":"assistant","content":null,"tool_calls":[{"id":"' .. id
    .. '","type":"function","function":{"name":"read","arguments":"{\\"path\\":\\"src/' .. id .. '.ts\\"}"}}]}'
    .. ',{"role":"tool","tool_call_id":"' .. id .. '","content":"' .. brief() .. '"},{"role":"user","content":"<context>' .. brief() .. '</context>"}'
  return session.history .. '],"stream":false,"max_tokens":1024,"tools":[{"type":"function","function":{"name":"read","description":"Reads a file.","parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}]}'
end

-- Each session resends its whole history, one turn longer each time; a session that reached its end makes room for a new one.
local function next_history()
  turn = turn % session_count + 1
  local session = sessions[turn]
  if session == nil or #session.history > end_bytes then
    serial = serial + 1
    -- The first round starts all along the way, so that no moment has only new sessions.
    local from = session == nil and start_bytes + math.floor((end_bytes - start_bytes) * (turn - 1) / session_count) or start_bytes
    session = { history = history_of(from), key = string.format('bench-%x-%x', serial, math.random(0, 0x7fffffff)) }
    sessions[turn] = session
  else
    session.history = session.history .. exchange()
  end
  return body_of(session.history, session.key)
end

function request()
  if kind == 'small' then
    small_request = small_request or wrk.format(nil, nil, nil, small)
    return small_request
  end
  if kind == 'agent' then return wrk.format(nil, nil, nil, next_agent()) end
  if kind == 'history' then return wrk.format(nil, nil, nil, next_history()) end
  serial = serial + 1
  return wrk.format(nil, nil, nil, body_of(history_of(unique_bytes), string.format('bench-%x-%x', serial, math.random(0, 0x7fffffff))))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"bytes":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},"p50Ms":%f,"p99Ms":%f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
