-- Batches of 100 contacts, upserted by e-mail with a trace id each and six properties; every batch has e-mails of its own
-- until a thread has sent `rounds` of them, then it begins again, so that the run both creates and updates.
local rounds = 500
local threads = 0
local counter = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function request()
  counter = counter + 1
  local batch = counter % rounds
  local inputs = {}
  for at = 1, 100 do
    local n = (id * rounds + batch) * 100 + at
    inputs[at] = string.format(
      '{"id":"contact%d@example.com","idProperty":"email","objectWriteTraceId":"%d","properties":{"firstname":"Ada %d","lastname":"Lovelace","company":"Analytical Engines","city":"Zürich","phone":"+41 44 %07d","lifecyclestage":"customer"}}',
      n, n, n, n)
  end
  return wrk.format("POST", "/crm/objects/2026-09/contacts/batch/upsert", {
    ["Authorization"] = "Bearer pat-na1-sandbox",
    ["Content-Type"] = "application/json",
  }, '{"inputs":[' .. table.concat(inputs, ",") .. "]}")
end

function response(status)
  if status ~= 200 then
    print("unexpected status " .. status)
    wrk.thread:stop()
  end
end

function done(summary)
  local seconds = summary.duration / 1e6
  print(string.format("%.0f records/s in %d requests over %.1f s", summary.requests * 100 / seconds, summary.requests, seconds))
end
