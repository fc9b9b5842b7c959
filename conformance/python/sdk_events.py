"""The part of `sdk.py` that defines custom events, sends and reads them."""

from datetime import datetime, timezone

import hubspot_sdk
from hubspot_sdk.types import events as types

from check import check, equal, of, true

LOGIN = "pe1234567_login"
LAG_MS = 60_000


def drive(events, crm, sandbox):
    definitions, occurrences = events.definitions, events.occurrences
    eva = crm.objects.contacts.create(associations=[], properties={"email": "eva@example.com"}).id

    def event(uuid, name=LOGIN, **more):
        return {"event_name": name, "uuid": uuid, "properties": {}, **more}

    def stored(uuid):
        return [it for it in sandbox.events() if it["uuid"] == uuid]

    def option(value):
        return {"label": value.title(), "value": value, "display_order": 0, "hidden": False}

    def refused(error_type, call, *args, **kwargs):
        try:
            answer = call(*args, **kwargs)
        except error_type as error:
            return error
        raise AssertionError(f"expected {error_type.__name__}, got {answer!r}")

    with check("an event is defined with properties of its own and HubSpot's"):
        plan = {"name": "plan", "label": "Plan", "type": "enumeration", "options": [option("free"), option("pro")]}
        made = definitions.create(name="login", label="Login", include_default_properties=True, property_definitions=[plan])
        of(types.ExternalBehavioralEventTypeDefinition, made)
        equal((made.fully_qualified_name, made.primary_object, made.tracking_type), (LOGIN, "CONTACT", "MANUAL"))
        true({"plan", "hs_city"} <= {it.name for it in made.properties})
        refused(hubspot_sdk.ConflictError, definitions.create, name="login", label="Again", include_default_properties=False, property_definitions=[])

    with check("a definition is changed, gets a property and loses it"):
        equal(definitions.update("login", label="Signed in").labels.singular, "Signed in")
        seats = definitions.create_property("login", name="seats", label="Seats", type="number")
        equal((seats.name, seats.type), ("seats", "number"))
        equal(definitions.update_property("seats", event_name="login", label="Places").label, "Places")
        true("seats" in [it.name for it in definitions.get(LOGIN).properties])
        definitions.delete_property("seats", event_name="login")
        true("seats" not in [it.name for it in definitions.get("login").properties])

    with check("definitions are listed page by page, with properties where they are asked for"):
        definitions.create(label="Logged out", include_default_properties=False, property_definitions=[])
        equal([it.name for it in definitions.list(limit=1)], ["logged_out", "login"])
        (found,) = definitions.list(search_string="login", include_properties=True)
        true("plan" in [it.name for it in found.properties])
        definitions.delete("logged_out")
        equal([it.name for it in definitions.list()], ["login"])
        refused(hubspot_sdk.NotFoundError, definitions.get, "logged_out")

    with check("an event is sent with the time it occurred at"):
        at = datetime(2025, 1, 2, 3, 4, 5, 600_000, timezone.utc)
        sent = {"hs_city": "Ulm", "plan": "pro"}
        events.send.send(**event("s1", email="Eva@example.com", occurred_at=at, properties=sent))
        (held,) = stored("s1")
        equal((held["record"], held["properties"], held["occurredAt"]), (eva, sent, "2025-01-02T03:04:05.6Z"))

    with check("a batch is sent; an id that was sent before is not stored again"):
        events.send.batch_send(inputs=[event(uuid, object_id=eva) for uuid in ("s1", "s2", "s3")])
        equal([len(stored(uuid)) for uuid in ("s1", "s2", "s3")], [1, 1, 1])

    with check("a batch with an event that is not defined is refused as a whole"):
        inputs = [event("s4", object_id=eva), event("s5", name="pe1234567_nothing", object_id=eva)]
        refused(hubspot_sdk.BadRequestError, events.send.batch_send, inputs=inputs)
        equal(stored("s4"), [])

    with check("what occurred is read by id once it has been processed"):
        definitions.send_batch(inputs=[event("s6", object_id=eva, properties={"plan": "free"})])
        equal(list(occurrences.list(id=["s6"])), [])
        sandbox.passes(LAG_MS)
        read = list(occurrences.list(id=["s6", "s2"], event_type=LOGIN, limit=1))
        equal({it.id: it.properties for it in read}, {"s2": {}, "s6": {"plan": "free"}})
        true(all(of(types.ExternalUnifiedEvent, it).object_id == eva for it in read))
        equal(occurrences.list_event_types().event_types, [LOGIN])
