"""Drives an account with HubSpot's Python client, `hubspot-api-client`: v3 paths for records, v4 for associations.

    python3 api_client.py BASE_URL TOKEN

The account must be an empty sandbox of the Enterprise tier. Ends non-zero at the first check that fails.
"""

import json
import sys
from datetime import datetime, timedelta

from hubspot import HubSpot
from hubspot.crm import contacts, objects, owners, pipelines, properties, schemas
from urllib3.util.retry import Retry

import api_client_associations
import api_client_events
import api_client_lists
from check import NO_LIMITS, Sandbox, check, equal, finished, of, true

HOUR_MS = 3_600_000


def connect(url, token, strict=True, **options):
    """A client; `host` is where its typed calls go, `base_url` where `api_request` goes.

    Being strict, which it is not by itself, it refuses an answer without what its models require. Without strictness
    where HubSpot was seen to answer otherwise: the errors of a 207 have neither `links` nor, often, `errors`.
    """
    return HubSpot(access_token=token, host=url, base_url=url, client_side_validation=strict, **options)


def refused(status, error_type, call, *args, **kwargs):
    """The client's exception for a call that HubSpot refuses with this status, and its body."""
    try:
        answer = call(*args, **kwargs)
    except error_type as error:
        equal(error.status, status)
        return error, json.loads(error.body)
    raise AssertionError(f"expected {status}, got {answer!r}")


def records(client, sandbox, stranger):
    api = client.crm.contacts.basic_api
    create = contacts.SimplePublicObjectInputForCreate
    write = contacts.SimplePublicObjectInput

    with check("a contact is created"):
        anna = of(contacts.SimplePublicObject, api.create(create(properties={"email": "Anna@Example.com", "firstname": "Anna"})))
        equal(anna.properties["email"], "anna@example.com")
        equal(anna.archived, False)
        true(isinstance(anna.created_at, datetime))
        equal(sandbox.records("contacts")[anna.id]["properties"]["firstname"], "Anna")

    with check("a contact is read by id and by e-mail"):
        by_id = api.get_by_id(anna.id, properties=["email", "phone", "no_such_property"])
        of(contacts.SimplePublicObjectWithAssociations, by_id)
        equal(by_id.properties["phone"], None)
        true("no_such_property" not in by_id.properties)
        by_email = api.get_by_id("anna@example.com", id_property="email", properties=["firstname"])
        equal((by_email.id, by_email.properties["firstname"]), (anna.id, "Anna"))

    with check("a property is set and cleared"):
        changed = api.update(anna.id, write(properties={"phone": "+49 30 1", "lastname": "Berg"}))
        equal(of(contacts.SimplePublicObject, changed).properties["lastname"], "Berg")
        api.update("anna@example.com", write(properties={"phone": ""}), id_property="email")
        after = sandbox.records("contacts")[anna.id]["properties"]
        equal(after["lastname"], "Berg")
        true(not after.get("phone"))

    with check("a value that its property does not take is refused with its code"):
        wrong = write(properties={"lifecyclestage": "no such stage"})
        error, body = refused(400, contacts.ApiException, api.update, anna.id, wrong)
        equal(body["category"], "VALIDATION_ERROR")
        equal(body["errors"][0]["code"], "INVALID_OPTION")
        equal(error.headers["X-HubSpot-Correlation-Id"], body["correlationId"])

    with check("a second contact with the e-mail is 409 with the existing id"):
        again = create(properties={"email": "ANNA@example.com"})
        _, body = refused(409, contacts.ApiException, api.create, again)
        equal(body["category"], "CONFLICT")
        equal(body["message"], f"Contact already exists. Existing ID: {anna.id}")
        equal(len(sandbox.records("contacts")), 1)

    with check("a record that is not there is 404"):
        refused(404, contacts.ApiException, api.get_by_id, "999999999")

    with check("an archived contact is found among the archived only"):
        gone = api.create(create(properties={"email": "gone@example.com"}))
        api.archive(gone.id)
        refused(404, contacts.ApiException, api.get_by_id, gone.id)
        found = api.get_by_id(gone.id, archived=True)
        equal(found.archived, True)
        true(isinstance(found.archived_at, datetime))

    with check("the raw request helper reaches the account"):
        answer = client.api_request({"method": "GET", "path": "/account-info/v3/details"})
        equal((answer.status_code, answer.json()["portalId"]), (200, 1234567))

    with check("a wrong token is 401"):
        _, body = refused(401, contacts.ApiException, stranger.contacts.basic_api.get_page)
        equal(body["category"], "INVALID_AUTHENTICATION")


def batches(crm, lenient, sandbox):
    api = crm.contacts.batch_api
    partial = lenient.contacts.batch_api
    creates = contacts.BatchInputSimplePublicObjectBatchInputForCreate
    ids = {}

    def row(n, **more):
        properties = {"email": f"row{n}@example.com", **more}
        return contacts.SimplePublicObjectBatchInputForCreate(properties=properties, object_write_trace_id=f"row-{n}")

    with check("a batch of 100 is created and a page of the list follows the other"):
        answer = api.create(creates(inputs=[row(n, firstname=f"N{n}") for n in range(100)]))
        of(contacts.BatchResponseSimplePublicObject, answer)
        equal(answer.status, "COMPLETE")
        ids.update({result.properties["email"]: result.id for result in answer.results})
        equal(len(ids), 100)
        listed = {it.id: it.properties["email"] for it in crm.contacts.get_all(properties=["email"])}
        equal(len(listed), 101)
        for email, record in ids.items():
            equal(listed[record], email)

    with check("a batch of 101 is refused whole"):
        inputs = [row(n) for n in range(1000, 1101)]
        refused(400, contacts.ApiException, api.create, creates(inputs=inputs))
        equal(len(sandbox.records("contacts")), 102)

    with check("one bad row of three is 207: the others are stored, the error names its row"):
        answer = partial.create(creates(inputs=[row(200), row(201, lifecyclestage="no such stage"), row(202)]))
        of(contacts.BatchResponseSimplePublicObjectWithErrors, answer)
        equal((len(answer.results), answer.num_errors), (2, 1))
        error = of(contacts.StandardError, answer.errors[0])
        equal((error.category, error.context["objectWriteTraceId"]), ("VALIDATION_ERROR", ["row-201"]))
        emails = {it["properties"].get("email") for it in sandbox.records("contacts").values()}
        true("row200@example.com" in emails and "row201@example.com" not in emails)

    with check("a taken e-mail in a batch is 207 with the existing id"):
        answer = partial.create(creates(inputs=[row(0), row(203)]))
        of(contacts.BatchResponseSimplePublicObjectWithErrors, answer)
        equal(answer.errors[0].category, "CONFLICT")
        equal(answer.errors[0].context["existingId"], [ids["row0@example.com"]])
        equal(len(answer.results), 1)

    with check("a batch is read by e-mail; who is not there is 207"):
        emails = ["row1@example.com", "row2@example.com", "nobody@example.com"]
        answer = partial.read(
            contacts.BatchReadInputSimplePublicObjectId(
                id_property="email",
                properties=["firstname"],
                properties_with_history=[],
                inputs=[contacts.SimplePublicObjectId(id=email) for email in emails],
            )
        )
        of(contacts.BatchResponseSimplePublicObjectWithErrors, answer)
        equal(sorted(it.properties["firstname"] for it in answer.results), ["N1", "N2"])
        equal(answer.errors[0].category, "OBJECT_NOT_FOUND")
        equal(answer.errors[0].context["ids"], ["nobody@example.com"])

    with check("a batch is updated by id"):
        update = contacts.SimplePublicObjectBatchInput
        inputs = [update(id=ids[f"row{n}@example.com"], properties={"lastname": f"L{n}"}) for n in (1, 2)]
        answer = api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=inputs))
        equal(len(of(contacts.BatchResponseSimplePublicObject, answer).results), 2)
        stored = sandbox.records("contacts")
        for n in (1, 2):
            equal(stored[ids[f"row{n}@example.com"]]["properties"]["lastname"], f"L{n}")

    with check("a batch upsert says which rows are new"):
        upsert = contacts.SimplePublicObjectBatchInputUpsert
        inputs = [
            upsert(id=email, id_property="email", properties={"city": "Bonn"}, object_write_trace_id=email)
            for email in ("row3@example.com", "fresh@example.com")
        ]
        answer = api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
        of(contacts.BatchResponseSimplePublicUpsertObject, answer)
        stored = sandbox.records("contacts")
        told = {stored[it.id]["properties"]["email"]: it.new for it in answer.results}
        equal(told, {"row3@example.com": False, "fresh@example.com": True})
        equal({stored[it.id]["properties"]["city"] for it in answer.results}, {"Bonn"})

    with check("a batch is archived"):
        gone = [contacts.SimplePublicObjectId(id=ids[f"row{n}@example.com"]) for n in (4, 5)]
        api.archive(contacts.BatchInputSimplePublicObjectId(inputs=gone))
        stored = sandbox.records("contacts")
        equal([stored[it.id]["archived"] for it in gone], [True, True])


def search(crm, sandbox):
    def request(city, after=None):
        city_is = contacts.Filter(property_name="city", operator="EQ", value=city)
        return contacts.PublicObjectSearchRequest(
            filter_groups=[contacts.FilterGroup(filters=[city_is])], sorts=["email"], properties=["email"], limit=1, after=after
        )

    with check("search sees a write only once its index has it, and pages"):
        api = crm.contacts.search_api
        lag = {"email": "lag@example.com", "city": "Ulm"}
        before = sandbox.passes(0)
        crm.contacts.basic_api.create(contacts.SimplePublicObjectInputForCreate(properties=lag))
        early = api.do_search(request("Ulm")).total
        # five seconds is the least that its index lags behind
        true(early == 0 or sandbox.passes(0) - before >= timedelta(seconds=5))
        sandbox.passes(60_000)
        found = of(contacts.CollectionResponseWithTotalSimplePublicObjectForwardPaging, api.do_search(request("Ulm")))
        equal([it.properties["email"] for it in found.results], ["lag@example.com"])
        first = api.do_search(request("Bonn"))
        second = api.do_search(request("Bonn", first.paging.next.after))
        equal((first.total, second.paging), (2, None))
        emails = [it.properties["email"] for it in first.results + second.results]
        equal(emails, ["fresh@example.com", "row3@example.com"])


def definitions(crm, lenient):
    core, groups = crm.properties.core_api, crm.properties.groups_api

    def definition(name, kind="string", field="text", **more):
        return properties.PropertyCreate(group_name="shop", name=name, label=name, type=kind, field_type=field, **more)

    with check("a group and a unique property are created"):
        group = groups.create("contacts", properties.PropertyGroupCreate(name="shop", label="Shop", display_order=1))
        of(properties.PropertyGroup, group)
        true(("shop", "Shop") in [(it.name, it.label) for it in groups.get_all("contacts").results])
        of(properties.ModelProperty, core.create("contacts", definition("customer_number", has_unique_value=True)))
        read = of(properties.ModelProperty, core.get_by_name("contacts", "customer_number"))
        equal((read.has_unique_value, read.group_name, read.type), (True, "shop", "string"))

    with check("a property name that is taken is 409"):
        taken = definition("customer_number")
        _, body = refused(409, properties.ApiException, core.create, "contacts", taken)
        equal(body["category"], "OBJECT_ALREADY_EXISTS")

    with check("a batch of properties with a taken name is 207"):
        inputs = [definition("points", "number", "number"), definition("customer_number")]
        answer = lenient.properties.batch_api.create("contacts", properties.BatchInputPropertyCreate(inputs=inputs))
        of(properties.BatchResponsePropertyWithErrors, answer)
        equal([it.name for it in answer.results], ["points"])
        equal(answer.errors[0].context["name"], ["customer_number"])

    with check("an option is added to an enumeration, and the list of properties has them all"):
        def options(*values):
            return [
                properties.OptionInput(label=value.upper(), value=value, display_order=at, hidden=False)
                for at, value in enumerate(values)
            ]

        core.create("contacts", definition("tier", "enumeration", "select", options=options("gold")))
        core.update("contacts", "tier", properties.PropertyUpdate(options=options("gold", "silver")))
        every = {it.name: it for it in core.get_all("contacts").results}
        equal([it.value for it in every["tier"].options], ["gold", "silver"])
        equal(every["email"].hubspot_defined, True)

    with check("an archived property is gone and no write takes it"):
        core.archive("contacts", "points")
        refused(404, properties.ApiException, core.get_by_name, "contacts", "points")
        write = contacts.SimplePublicObjectInputForCreate(properties={"email": "p@example.com", "points": "1"})
        _, body = refused(400, contacts.ApiException, crm.contacts.basic_api.create, write)
        equal(body["errors"][0]["code"], "PROPERTY_DOESNT_EXIST")


def custom_objects(crm, sandbox):
    with check("a custom object is defined and a record of it written"):
        plate = schemas.ObjectTypePropertyCreate(
            name="plate", label="Plate", type="string", field_type="text", has_unique_value=True
        )
        seats = schemas.ObjectTypePropertyCreate(name="seats", label="Seats", type="number", field_type="number")
        egg = schemas.ObjectSchemaEgg(
            name="vehicle",
            labels=schemas.ObjectTypeDefinitionLabels(singular="Vehicle", plural="Vehicles"),
            primary_display_property="plate",
            required_properties=["plate"],
            properties=[plate, seats],
            associated_objects=["CONTACT"],
        )
        created = of(schemas.ObjectSchema, crm.schemas.core_api.create(egg))
        equal([it.name for it in crm.schemas.core_api.get_all().results], ["vehicle"])
        read = of(schemas.ObjectSchema, crm.schemas.core_api.get_by_id(created.object_type_id))
        equal((read.required_properties, read.labels.plural), (["plate"], "Vehicles"))
        true("number" in [it.type for it in read.properties if it.name == "seats"])
        body = objects.SimplePublicObjectInputForCreate(properties={"plate": "B-1", "seats": "4"})
        of(objects.SimplePublicObject, crm.objects.basic_api.create(read.fully_qualified_name, body))
        inputs = [
            objects.SimplePublicObjectBatchInputUpsert(id=plate, id_property="plate", properties={"seats": "5"})
            for plate in ("B-1", "B-2")
        ]
        answer = crm.objects.batch_api.upsert(
            read.object_type_id, objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
        )
        of(objects.BatchResponseSimplePublicUpsertObject, answer)
        stored = [it["properties"] for it in sandbox.records("vehicle").values()]
        equal(sorted((it["plate"], it["seats"]) for it in stored), [("B-1", "5"), ("B-2", "5")])

    with check("a custom object without its required property is refused"):
        body = objects.SimplePublicObjectInputForCreate(properties={"seats": "2"})
        refused(400, objects.ApiException, crm.objects.basic_api.create, "vehicle", body)
        equal(len(sandbox.records("vehicle")), 2)


def pipelines_and_owners(crm, sandbox):
    with check("pipelines and their stages are read, one is created"):
        standard = crm.pipelines.pipelines_api.get_all("deals")
        of(pipelines.CollectionResponsePipelineNoPaging, standard)
        equal([it.id for it in standard.results], ["default"])
        stages = crm.pipelines.pipeline_stages_api.get_all("deals", "default").results
        equal([it.metadata["isClosed"] for it in stages if it.id == "closedwon"], ["true"])
        due = pipelines.PipelineStageInput(label="Due", display_order=0, metadata={"probability": "0.5"})
        renewals = pipelines.PipelineInput(label="Renewals", display_order=1, stages=[due])
        created = of(pipelines.Pipeline, crm.pipelines.pipelines_api.create("deals", renewals))
        stage = created.stages[0].id
        api, create = crm.deals.basic_api, contacts.SimplePublicObjectInputForCreate
        deal = {"dealname": "R1", "pipeline": created.id, "dealstage": stage}
        written = api.create(create(properties=deal))
        equal(sandbox.records("deals")[written.id]["properties"]["dealstage"], stage)
        wrong = create(properties={**deal, "dealstage": "no such stage"})
        try:
            api.create(wrong)
        except Exception as error:
            equal(getattr(error, "status", error), 400)
        else:
            raise AssertionError("a stage that is not there was taken")

    with check("owners are listed page by page, found by e-mail and read"):
        names = {"71": "Ole", "72": "Pia"}
        loaded = [
            {"id": key, "email": f"{name.lower()}@example.com", "firstName": name, "userId": 100 + int(key)}
            for key, name in names.items()
        ]
        sandbox.load({"owners": loaded})
        api = crm.owners.owners_api
        first = of(owners.CollectionResponsePublicOwnerForwardPaging, api.get_page(limit=1))
        second = api.get_page(limit=1, after=first.paging.next.after)
        equal([it.id for it in first.results + second.results], ["71", "72"])
        equal([it.first_name for it in api.get_page(email="pia@example.com").results], ["Pia"])
        equal(of(owners.PublicOwner, api.get_by_id(172, id_property="userId")).id, "72")


def limits(crm, sandbox, again):
    api = crm.contacts.basic_api

    with check("by default a 429 is not tried again"):
        sandbox.faults({"match": {"kind": "list"}, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}})
        with sandbox.requests() as sent:
            _, body = refused(429, contacts.ApiException, api.get_page)
        equal((body["policyName"], body["category"]), ("TEN_SECONDLY_ROLLING", "RATE_LIMITS"))
        equal([it["status"] for it in sent], [429])

    with check("a burst that is used up is 429 with its headers, and free again when its window is over"):
        sandbox.limits(burst=3, burst_window_ms=HOUR_MS)
        for left in ("2", "1", "0"):
            _, status, headers = api.get_page_with_http_info(limit=1)
            equal((status, headers["X-HubSpot-RateLimit-Max"], headers["X-HubSpot-RateLimit-Remaining"]), (200, "3", left))
            equal(headers["X-HubSpot-RateLimit-Interval-Milliseconds"], str(HOUR_MS))
        error, body = refused(429, contacts.ApiException, api.get_page)
        equal(body["policyName"], "TEN_SECONDLY_ROLLING")
        true("Retry-After" not in error.headers)
        sandbox.passes(HOUR_MS)
        api.get_page()
        sandbox.passes(HOUR_MS)

    def patient(**methods):
        """A client that is asked to repeat a 429, after waits of 0 + 2 + 4 + 8 + 16 + 32 seconds."""
        retry = Retry(total=6, backoff_factor=1, status_forcelist=(429,), **methods)
        return again(retry=retry).crm.contacts.basic_api

    create = contacts.SimplePublicObjectInputForCreate(properties={"email": "patient@example.com"})

    with check("asked to, the client repeats a 429 to a POST only if its methods are not limited"):
        sandbox.limits(burst=1, burst_window_ms=60_000)
        api.get_page()
        with sandbox.requests() as sent:
            refused(429, contacts.ApiException, patient().create, create)
        equal([it["status"] for it in sent], [429])
        with sandbox.requests() as sent, sandbox.waits():
            patient(allowed_methods=None).create(create)
        true(len(sent) > 1)
        equal([it["status"] for it in sent], [429] * (len(sent) - 1) + [201])
        stored = [it["properties"].get("email") for it in sandbox.records("contacts").values()]
        equal(stored.count("patient@example.com"), 1)
        sandbox.limits(**NO_LIMITS)


def main(url, token):
    sandbox = Sandbox(url)
    sandbox.limits(**NO_LIMITS)
    client = connect(url, token)
    crm = client.crm
    lenient = connect(url, token, strict=False).crm
    records(client, sandbox, connect(url, "pat-na1-nobody").crm)
    batches(crm, lenient, sandbox)
    search(crm, sandbox)
    definitions(crm, lenient)
    custom_objects(crm, sandbox)
    api_client_associations.drive(crm, lenient, sandbox)
    api_client_events.drive(client.events, crm, sandbox)
    api_client_lists.drive(crm, sandbox)
    pipelines_and_owners(crm, sandbox)
    limits(crm, sandbox, lambda **options: connect(url, token, **options))
    finished()


if __name__ == "__main__":
    main(*sys.argv[1:])
