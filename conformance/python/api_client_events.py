"""The part of `api_client.py` that sends custom events and reads them. This client knows no definitions; they are loaded."""

import json
from datetime import datetime, timezone

from hubspot import events as models
from hubspot.crm import contacts
from hubspot.events import send

from check import check, equal, of, true

LOGIN = "pe1234567_login"
LAG_MS = 60_000


def drive(events, crm, sandbox):
    plan = {"name": "plan", "label": "Plan", "type": "string"}
    sandbox.load({"event_definitions": [{"name": "login", "label": "Login", "propertyDefinitions": [plan]}]})
    body = contacts.SimplePublicObjectInputForCreate(properties={"email": "eva@example.com"})
    eva = crm.contacts.basic_api.create(body).id

    def event(uuid, name=LOGIN, **more):
        return send.BehavioralEventHttpCompletionRequest(event_name=name, uuid=uuid, **{"properties": {}, **more})

    def batch(*inputs):
        events.send.batch_api.send(send.BatchedBehavioralEventHttpCompletionRequest(inputs=list(inputs)))

    def stored(uuid):
        return [it for it in sandbox.events() if it["uuid"] == uuid]

    with check("an event is sent with the time it occurred at"):
        at = datetime(2025, 1, 2, 3, 4, 5, 600_000, timezone.utc)
        sent = {"hs_city": "Ulm", "plan": "pro"}
        events.send.basic_api.send(event("p1", email="Eva@example.com", occurred_at=at, properties=sent))
        (held,) = stored("p1")
        equal((held["record"], held["properties"], held["occurredAt"]), (eva, sent, "2025-01-02T03:04:05.6Z"))

    with check("a batch is sent; an id that was sent before is not stored again"):
        batch(*(event(uuid, object_id=eva) for uuid in ("p1", "p2", "p3")))
        equal([len(stored(uuid)) for uuid in ("p1", "p2", "p3")], [1, 1, 1])

    with check("a batch with an event that is not defined is refused as a whole"):
        try:
            batch(event("p4", object_id=eva), event("p5", name="pe1234567_nothing", object_id=eva))
        except send.ApiException as error:
            equal((error.status, json.loads(error.body)["category"]), (400, "VALIDATION_ERROR"))
        else:
            raise AssertionError("an event that is not defined was taken")
        equal(stored("p4"), [])

    with check("what occurred is read by id once it has been processed"):
        batch(event("p6", object_id=eva, properties={"plan": "free"}))
        equal(events.events_api.get_page(id=["p6"]).results, [])
        sandbox.passes(LAG_MS)
        page = of(models.CollectionResponseExternalUnifiedEvent, events.events_api.get_page(id=["p6", "p2"], event_type=LOGIN))
        equal({it.id: it.properties for it in page.results}, {"p2": {}, "p6": {"plan": "free"}})
        true(all((it.object_id, it.object_type, it.event_type) == (eva, "CONTACT", LOGIN) for it in page.results))
        true(all(isinstance(it.occurred_at, datetime) for it in page.results))
        equal(of(models.VisibleExternalEventTypeNames, events.events_api.get_types()).event_types, [LOGIN])
