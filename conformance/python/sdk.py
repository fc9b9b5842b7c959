"""Drives an account with HubSpot's generated Python SDK, `hubspot-sdk`, which speaks the dated paths (2026-03).

    python3 sdk.py BASE_URL TOKEN

The account must be an empty sandbox of the Enterprise tier. Ends non-zero at the first check that fails.
"""

import sys
from datetime import datetime, timedelta

import hubspot_sdk
from hubspot_sdk import HubSpot
from hubspot_sdk.types import crm as types
from hubspot_sdk.types import shared

import sdk_associations
import sdk_events
import sdk_lists
from check import NO_LIMITS, Sandbox, check, equal, finished, of, true

HOUR_MS = 3_600_000


def connect(url, token, strict=True, **options):
    """A client that, being strict, refuses every answer which its own types do not describe.

    Without strictness where HubSpot was seen to answer otherwise than its specification says: an empty property is null
    there and a string here, and ids of associations are numbers there and strings here.
    """
    return HubSpot(access_token=token, base_url=url, _strict_response_validation=strict, **options)


def refused(error_type, call, *args, **kwargs):
    """The client's exception for a call that HubSpot refuses."""
    try:
        answer = call(*args, **kwargs)
    except error_type as error:
        return error
    raise AssertionError(f"expected {error_type.__name__}, got {answer!r}")


def partial(answer):
    """The answer and the errors of a 207, which this client's types leave out.

    An error is built, not validated: its type demands `links` and `errors`, which HubSpot was seen to leave out.
    """
    equal(answer.status_code, 207)
    parsed = answer.parse()
    return parsed, [shared.StandardError.construct(**error) for error in parsed.errors]


def records(crm, account, lenient, sandbox, stranger):
    api = crm.objects.contacts

    with check("a contact is created"):
        anna = api.create(associations=[], properties={"email": "Anna@Example.com", "firstname": "Anna"})
        of(types.SimplePublicObject, anna)
        equal((anna.properties["email"], anna.archived), ("anna@example.com", False))
        true(isinstance(anna.created_at, datetime))
        equal(sandbox.records("contacts")[anna.id]["properties"]["firstname"], "Anna")

    with check("a contact is read by id and by e-mail"):
        by_id = lenient.objects.contacts.get(anna.id, properties=["email", "phone", "no_such_property"])
        equal(by_id.properties["phone"], None)
        true("no_such_property" not in by_id.properties)
        by_email = api.get("anna@example.com", id_property="email", properties=["firstname"])
        of(types.SimplePublicObjectWithAssociations, by_email)
        equal((by_email.id, by_email.properties["firstname"]), (anna.id, "Anna"))

    with check("a property is set and cleared"):
        changed = api.update(anna.id, properties={"phone": "+49 30 1", "lastname": "Berg"})
        equal(of(types.SimplePublicObject, changed).properties["lastname"], "Berg")
        lenient.objects.contacts.update("anna@example.com", properties={"phone": ""}, id_property="email")
        after = sandbox.records("contacts")[anna.id]["properties"]
        equal(after["lastname"], "Berg")
        true(not after.get("phone"))

    with check("a value that its property does not take is refused with its code"):
        wrong = {"lifecyclestage": "no such stage"}
        error = refused(hubspot_sdk.BadRequestError, api.update, anna.id, properties=wrong)
        equal(error.body["category"], "VALIDATION_ERROR")
        equal(error.body["errors"][0]["code"], "INVALID_OPTION")
        equal(error.response.headers["X-HubSpot-Correlation-Id"], error.body["correlationId"])

    with check("a second contact with the e-mail is 409 with the existing id"):
        taken = {"email": "ANNA@example.com"}
        error = refused(hubspot_sdk.ConflictError, api.create, associations=[], properties=taken)
        equal(error.body["category"], "CONFLICT")
        equal(error.body["message"], f"Contact already exists. Existing ID: {anna.id}")
        equal(len(sandbox.records("contacts")), 1)

    with check("a record that is not there is 404"):
        refused(hubspot_sdk.NotFoundError, api.get, "999999999")

    with check("an archived contact is found among the archived only"):
        gone = api.create(associations=[], properties={"email": "gone@example.com"})
        api.delete(gone.id)
        refused(hubspot_sdk.NotFoundError, api.get, gone.id)
        found = api.get(gone.id, archived=True, properties=["email"])
        equal(found.archived, True)
        true(isinstance(found.archived_at, datetime))

    with check("the account tells of itself"):
        equal(account.get().portal_id, 1234567)

    with check("a wrong token is 401"):
        error = refused(hubspot_sdk.AuthenticationError, stranger.objects.contacts.list)
        equal(error.body["category"], "INVALID_AUTHENTICATION")


def batches(crm, sandbox):
    api = crm.objects.contacts.batch
    ids = {}

    def row(n, **more):
        properties = {"email": f"row{n}@example.com", **more}
        return {"properties": properties, "associations": [], "object_write_trace_id": f"row-{n}"}

    with check("a batch of 100 is created and a page of the list follows the other"):
        answer = of(types.BatchResponseSimplePublicObject, api.create(inputs=[row(n, firstname=f"N{n}") for n in range(100)]))
        equal(answer.status, "COMPLETE")
        ids.update({result.properties["email"]: result.id for result in answer.results})
        equal(len(ids), 100)
        listed = {it.id: it.properties["email"] for it in crm.objects.contacts.list(limit=40, properties=["email"])}
        equal(len(listed), 101)
        for email, record in ids.items():
            equal(listed[record], email)

    with check("a batch of 101 is refused whole"):
        refused(hubspot_sdk.BadRequestError, api.create, inputs=[row(n) for n in range(1000, 1101)])
        equal(len(sandbox.records("contacts")), 102)

    with check("one bad row of three is 207: the others are stored, the error names its row"):
        inputs = [row(200), row(201, lifecyclestage="no such stage"), row(202)]
        answer, errors = partial(api.with_raw_response.create(inputs=inputs))
        equal((len(answer.results), answer.numErrors), (2, 1))
        equal((errors[0].category, errors[0].context["objectWriteTraceId"]), ("VALIDATION_ERROR", ["row-201"]))
        emails = {it["properties"].get("email") for it in sandbox.records("contacts").values()}
        true("row200@example.com" in emails and "row201@example.com" not in emails)

    with check("a taken e-mail in a batch is 207 with the existing id"):
        answer, errors = partial(api.with_raw_response.create(inputs=[row(0), row(203)]))
        equal((errors[0].category, errors[0].context["existingId"]), ("CONFLICT", [ids["row0@example.com"]]))
        equal(len(answer.results), 1)

    with check("a batch is read by e-mail; who is not there is 207"):
        emails = ["row1@example.com", "row2@example.com", "nobody@example.com"]
        wanted = {"inputs": [{"id": email} for email in emails], "id_property": "email"}
        read = api.with_raw_response.get(properties=["firstname"], properties_with_history=[], **wanted)
        answer, errors = partial(read)
        equal(sorted(it.properties["firstname"] for it in answer.results), ["N1", "N2"])
        equal((errors[0].category, errors[0].context["ids"]), ("OBJECT_NOT_FOUND", ["nobody@example.com"]))

    with check("a batch is updated by id"):
        inputs = [{"id": ids[f"row{n}@example.com"], "properties": {"lastname": f"L{n}"}} for n in (1, 2)]
        equal(len(of(types.BatchResponseSimplePublicObject, api.update(inputs=inputs)).results), 2)
        stored = sandbox.records("contacts")
        for n in (1, 2):
            equal(stored[ids[f"row{n}@example.com"]]["properties"]["lastname"], f"L{n}")

    with check("a batch upsert says which rows are new"):
        inputs = [
            {"id": email, "id_property": "email", "properties": {"city": "Bonn"}, "object_write_trace_id": email}
            for email in ("row3@example.com", "fresh@example.com")
        ]
        answer = of(types.BatchResponseSimplePublicUpsertObject, api.upsert(inputs=inputs))
        stored = sandbox.records("contacts")
        told = {stored[it.id]["properties"]["email"]: it.new for it in answer.results}
        equal(told, {"row3@example.com": False, "fresh@example.com": True})
        equal({stored[it.id]["properties"]["city"] for it in answer.results}, {"Bonn"})

    with check("a batch is archived"):
        gone = [ids[f"row{n}@example.com"] for n in (4, 5)]
        api.delete(inputs=[{"id": record} for record in gone])
        stored = sandbox.records("contacts")
        equal([stored[record]["archived"] for record in gone], [True, True])


def search(crm, sandbox):
    def find(city, after="0"):
        return crm.objects.contacts.search(
            filter_groups=[{"filters": [{"property_name": "city", "operator": "EQ", "value": city}]}],
            sorts=["email"], properties=["email"], limit=1, after=after,
        )  # fmt: skip

    with check("search sees a write only once its index has it, and pages"):
        before = sandbox.passes(0)
        crm.objects.contacts.create(associations=[], properties={"email": "lag@example.com", "city": "Ulm"})
        early = find("Ulm").total
        # five seconds is the least that its index lags behind
        true(early == 0 or sandbox.passes(0) - before >= timedelta(seconds=5))
        sandbox.passes(60_000)
        found = of(types.CollectionResponseWithTotalSimplePublicObject, find("Ulm"))
        equal([it.properties["email"] for it in found.results], ["lag@example.com"])
        first = find("Bonn")
        second = find("Bonn", first.paging.next.after)
        equal((first.total, second.paging), (2, None))
        emails = [it.properties["email"] for it in first.results + second.results]
        equal(emails, ["fresh@example.com", "row3@example.com"])


def definitions(crm):
    api = crm.properties

    def definition(name, kind="string", field="text", **more):
        return {"group_name": "shop", "name": name, "label": name, "type": kind, "field_type": field, **more}

    with check("a group and a unique property are created"):
        of(shared.PropertyGroup, api.groups.create("contacts", name="shop", label="Shop", display_order=1))
        true(("shop", "Shop") in [(it.name, it.label) for it in api.groups.list("contacts").results])
        of(shared.Property, api.create("contacts", **definition("customer_number", has_unique_value=True)))
        read = of(shared.Property, api.get("customer_number", object_type="contacts"))
        equal((read.has_unique_value, read.group_name, read.type), (True, "shop", "string"))

    with check("a property name that is taken is 409"):
        error = refused(hubspot_sdk.ConflictError, api.create, "contacts", **definition("customer_number"))
        equal(error.body["category"], "OBJECT_ALREADY_EXISTS")

    with check("a batch of properties with a taken name is 207"):
        inputs = [definition("points", "number", "number"), definition("customer_number")]
        answer, errors = partial(api.batch.with_raw_response.create("contacts", inputs=inputs))
        equal([it.name for it in answer.results], ["points"])
        equal(errors[0].context["name"], ["customer_number"])

    with check("an option is added to an enumeration, and the list of properties has them all"):
        def options(*values):
            return [
                {"label": value.upper(), "value": value, "display_order": at, "hidden": False}
                for at, value in enumerate(values)
            ]

        api.create("contacts", **definition("tier", "enumeration", "select", options=options("gold")))
        api.update("tier", object_type="contacts", options=options("gold", "silver"))
        every = {it.name: it for it in api.list("contacts").results}
        equal([it.value for it in every["tier"].options], ["gold", "silver"])
        equal(every["email"].hubspot_defined, True)

    with check("an archived property is gone and no write takes it"):
        api.delete("points", object_type="contacts")
        refused(hubspot_sdk.NotFoundError, api.get, "points", object_type="contacts")
        write = {"email": "p@example.com", "points": "1"}
        error = refused(hubspot_sdk.BadRequestError, crm.objects.contacts.create, associations=[], properties=write)
        equal(error.body["errors"][0]["code"], "PROPERTY_DOESNT_EXIST")


def custom_objects(crm, sandbox):
    with check("a custom object is defined and a record of it written"):
        created = crm.object_schemas.create(
            name="vehicle",
            labels={"singular": "Vehicle", "plural": "Vehicles"},
            primary_display_property="plate",
            required_properties=["plate"],
            searchable_properties=["plate"],
            secondary_display_properties=[],
            allows_sensitive_properties=False,
            associated_objects=["CONTACT"],
            properties=[
                {"name": "plate", "label": "Plate", "type": "string", "field_type": "text", "has_unique_value": True},
                {"name": "seats", "label": "Seats", "type": "number", "field_type": "number"},
            ],
        )
        of(types.ObjectSchema, created)
        equal([it.name for it in crm.object_schemas.list().results], ["vehicle"])
        read = of(types.ObjectSchema, crm.object_schemas.get(created.object_type_id))
        equal((read.required_properties, read.labels.plural), (["plate"], "Vehicles"))
        true("number" in [it.type for it in read.properties if it.name == "seats"])
        api = crm.objects.custom
        api.create(read.fully_qualified_name, associations=[], properties={"plate": "B-1", "seats": "4"})
        inputs = [{"id": plate, "id_property": "plate", "properties": {"seats": "5"}} for plate in ("B-1", "B-2")]
        of(types.BatchResponseSimplePublicUpsertObject, api.batch.upsert(read.object_type_id, inputs=inputs))
        stored = [it["properties"] for it in sandbox.records("vehicle").values()]
        equal(sorted((it["plate"], it["seats"]) for it in stored), [("B-1", "5"), ("B-2", "5")])

    with check("a custom object without its required property is refused"):
        create = crm.objects.custom.create
        refused(hubspot_sdk.BadRequestError, create, "vehicle", associations=[], properties={"seats": "2"})
        equal(len(sandbox.records("vehicle")), 2)


def pipelines_and_owners(crm, sandbox):
    with check("pipelines and their stages are read, one is created"):
        equal([it.id for it in of(types.CollectionResponsePipelineNoPaging, crm.pipelines.list("deals")).results], ["default"])
        stages = crm.pipelines.list_stages("default", object_type="deals").results
        equal([it.metadata["isClosed"] for it in stages if it.id == "closedwon"], ["true"])
        due = {"label": "Due", "display_order": 0, "metadata": {"probability": "0.5"}}
        created = of(types.Pipeline, crm.pipelines.create("deals", label="Renewals", display_order=1, stages=[due]))
        stage = created.stages[0].id
        deal = {"dealname": "R1", "pipeline": created.id, "dealstage": stage}
        api = crm.objects.deals
        written = api.create(associations=[], properties=deal)
        equal(sandbox.records("deals")[written.id]["properties"]["dealstage"], stage)
        wrong = {**deal, "dealstage": "no such stage"}
        refused(hubspot_sdk.BadRequestError, api.create, associations=[], properties=wrong)

    with check("owners are listed page by page, found by e-mail and read"):
        loaded = [
            {"id": key, "email": f"{name.lower()}@example.com", "firstName": name, "userId": 100 + int(key)}
            for key, name in {"71": "Ole", "72": "Pia"}.items()
        ]
        sandbox.load({"owners": loaded})
        with sandbox.requests() as sent:
            equal([of(types.PublicOwner, it).id for it in crm.owners.list(limit=1)], ["71", "72"])
        equal(len(sent), 2)
        equal([it.first_name for it in crm.owners.list(email="pia@example.com")], ["Pia"])
        equal(of(types.PublicOwner, crm.owners.get(172, id_property="userId")).id, "72")


def limits(crm, sandbox, usual):
    once = crm.objects.contacts
    again = usual.objects.contacts

    with check("by default a 429 is tried again, and the call goes through"):
        sandbox.faults({"match": {"kind": "create"}, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}})
        with sandbox.requests() as sent, sandbox.waits() as waited:
            created = again.create(associations=[], properties={"email": "again@example.com"})
        equal([it["status"] for it in sent], [429, 201])
        equal(len(waited), 1)
        equal(sandbox.records("contacts")[created.id]["properties"]["email"], "again@example.com")

    with check("by default a 409 is tried twice again, in vain"):
        with sandbox.requests() as sent, sandbox.waits():
            refused(hubspot_sdk.ConflictError, again.create, associations=[], properties={"email": "again@example.com"})
        equal([it["status"] for it in sent], [409, 409, 409])

    with check("a burst that is used up is 429 with its headers"):
        sandbox.limits(burst=3, burst_window_ms=HOUR_MS)
        for left in ("2", "1", "0"):
            headers = once.with_raw_response.list(limit=1, properties=["email"]).headers
            equal((headers["X-HubSpot-RateLimit-Max"], headers["X-HubSpot-RateLimit-Remaining"]), ("3", left))
            equal(headers["X-HubSpot-RateLimit-Interval-Milliseconds"], str(HOUR_MS))
        error = refused(hubspot_sdk.RateLimitError, once.list, limit=1)
        equal((error.body["policyName"], error.body["category"]), ("TEN_SECONDLY_ROLLING", "RATE_LIMITS"))
        true("Retry-After" not in error.response.headers)

    with check("two tries more do not outlast it, and it is free again when its window is over"):
        with sandbox.requests() as sent, sandbox.waits() as waited:
            refused(hubspot_sdk.RateLimitError, again.list, limit=1)
        equal([it["status"] for it in sent], [429, 429, 429])
        true(len(waited) == 2 and sum(waited) < 2, waited)
        sandbox.passes(HOUR_MS)
        once.list(limit=1, properties=["email"])
        sandbox.limits(**NO_LIMITS)


def main(url, token):
    sandbox = Sandbox(url)
    sandbox.limits(**NO_LIMITS)
    client = connect(url, token, max_retries=0)
    crm = client.crm
    lenient = connect(url, token, strict=False, max_retries=0).crm
    records(crm, client.account, lenient, sandbox, connect(url, "pat-na1-nobody", max_retries=0).crm)
    batches(crm, sandbox)
    search(crm, sandbox)
    definitions(crm)
    custom_objects(crm, sandbox)
    sdk_associations.drive(crm, lenient, sandbox)
    sdk_events.drive(client.events, crm, sandbox)
    sdk_lists.drive(crm, sandbox)
    pipelines_and_owners(crm, sandbox)
    limits(crm, sandbox, connect(url, token).crm)
    finished()


if __name__ == "__main__":
    main(*sys.argv[1:])
