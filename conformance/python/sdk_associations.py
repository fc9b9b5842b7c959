"""The part of `sdk.py` that joins records: associations and their labels."""

import hubspot_sdk
from hubspot_sdk.types import crm as types

from check import check, equal, of, true

CONTACT_TO_COMPANY = 279
PRIMARY_COMPANY = 1
UNLABELLED = ("HUBSPOT_DEFINED", CONTACT_TO_COMPANY)


def drive(crm, lenient, sandbox):
    """`lenient` where HubSpot was seen to answer ids as numbers, although its specification says strings."""
    one, batch, labels = crm.associations, crm.associations.batch, crm.associations_schema.labels
    numbers = lenient.associations
    between = {"object_type": "contacts", "to_object_type": "companies"}
    forth = {"from_object_type": "contacts", "to_object_type": "companies"}
    back = {"from_object_type": "companies", "to_object_type": "contacts"}

    def contact(email, associations=()):
        return crm.objects.contacts.create(associations=associations, properties={"email": email}).id

    def company(name):
        return crm.objects.companies.create(associations=[], properties={"name": name}).id

    def spec(type_id, category="HUBSPOT_DEFINED"):
        return {"association_type_id": type_id, "association_category": category}

    def pair(left, right, **more):
        return {"from": {"id": left}, "to": {"id": right}, **more}

    def companies_of(record):
        """What the account holds: company to its types, by category too: an id is unique within a category only."""
        held = sandbox.records("contacts")[record]["associations"].get("companies", [])
        return {it["id"]: {(kind["category"], kind["typeId"]) for kind in it["types"]} for it in held}

    acme, bolt = company("Acme"), company("Bolt")
    kim, lea = contact("kim@example.com"), contact("lea@example.com")

    with check("two records are joined by the default type, twice the same"):
        for _ in range(2):
            answer = of(types.BatchResponsePublicDefaultAssociation, one.create(acme, from_object_id=kim, **forth))
            (told,) = [it for it in answer.results if it.from_.id == kim]
            equal((told.to.id, told.association_spec.association_type_id), (acme, CONTACT_TO_COMPANY))
        equal(companies_of(kim), {acme: {UNLABELLED}})

    with check("a label with its inverse is created, listed and renamed"):
        created = labels.create_label(name="advisor", label="Advisor", inverse_label="Advised by", **forth)
        of(types.CollectionResponseAssociationSpecWithLabelNoPaging, created)
        equal(sorted(it.label for it in created.results), ["Advised by", "Advisor"])
        every = labels.list_labels(**forth).results
        (advisor,) = [it.type_id for it in every if it.label == "Advisor"]
        true((CONTACT_TO_COMPANY, "HUBSPOT_DEFINED") in [(it.type_id, it.category) for it in every])
        true(("Advised by", "USER_DEFINED") in [(it.label, it.category) for it in labels.list_labels(**back).results])
        labels.update_label(association_type_id=advisor, label="Adviser", **forth)
        own = [it for it in labels.list_labels(**forth).results if it.category == "USER_DEFINED"]
        equal([(it.type_id, it.label) for it in own], [(advisor, "Adviser")])

    with check("one pair takes a label; another set of labels replaces it"):
        answer = numbers.update_labels(acme, object_id=kim, body=[spec(advisor, "USER_DEFINED")], **between)
        equal(of(types.LabelsBetweenObjectPair, answer).labels, ["Adviser"])
        equal(companies_of(kim), {acme: {("USER_DEFINED", advisor), UNLABELLED}})
        numbers.update_labels(acme, object_id=kim, body=[spec(PRIMARY_COMPANY)], **between)
        equal(companies_of(kim), {acme: {("HUBSPOT_DEFINED", PRIMARY_COMPANY), UNLABELLED}})

    with check("a batch joins by type; an id that is not there is 207 for its pair alone"):
        label = {"types": [spec(advisor, "USER_DEFINED")]}
        clean = numbers.batch.create(inputs=[pair(lea, acme, **label), pair(lea, bolt, **label)], **forth)
        of(types.BatchResponseLabelsBetweenObjectPair, clean)
        equal({str(it.to_object_id) for it in clean.results}, {acme, bolt})
        inputs = [pair("987654321", acme, **label), pair(kim, bolt, **label)]
        mixed = numbers.batch.with_raw_response.create(inputs=inputs, **forth)
        equal(mixed.status_code, 207)
        equal((len(mixed.parse().results), len(mixed.parse().errors)), (1, 1))
        equal(set(companies_of(lea)), {acme, bolt})
        true(bolt in companies_of(kim))

    with check("a batch joins by the default type"):
        nia = contact("nia@example.com")
        answer = batch.create_default(inputs=[pair(nia, acme), pair(nia, bolt)], **forth)
        of(types.BatchResponsePublicDefaultAssociation, answer)
        equal(companies_of(nia), {acme: {UNLABELLED}, bolt: {UNLABELLED}})

    with check("associations are read for one record page by page and for a batch, with their labels"):
        with sandbox.requests() as sent:
            listed = list(numbers.list(object_id=lea, limit=1, **between))
        equal(({str(it.to_object_id) for it in listed}, len(sent)), ({acme, bolt}, 2))
        read = numbers.batch.get(inputs=[{"id": kim}, {"id": lea}], **forth)
        of(types.BatchResponsePublicAssociationMultiWithLabel, read)
        equal({it.from_.id for it in read.results}, {kim, lea})
        (of_lea,) = [it.to for it in read.results if it.from_.id == lea]
        equal([{kind.label for kind in it.association_types} for it in of_lea], [{"Adviser", None}] * 2)

    with check("a type against its direction is refused"):
        wrong = {"object_type": "companies", "object_id": acme, "to_object_type": "contacts"}
        try:
            one.update_labels(lea, body=[spec(CONTACT_TO_COMPANY)], **wrong)
        except hubspot_sdk.BadRequestError:
            pass
        else:
            raise AssertionError("a type was taken against its direction")

    with check("a record is created with its associations and read with them"):
        mo = contact("mo@example.com", [{"to": {"id": bolt}, "types": [spec(CONTACT_TO_COMPANY)]}])
        read = crm.objects.contacts.get(mo, associations=["companies"], properties=["email"])
        told = of(types.SimplePublicObjectWithAssociations, read).associations["companies"].results
        equal({it.id for it in told}, {bolt})
        true("contact_to_company" in [it.type for it in told])
        equal(companies_of(mo), {bolt: {UNLABELLED}})

    with check("a label is taken from a pair, then the pair apart, one by one and in a batch"):
        batch.delete_labels(inputs=[pair(lea, acme, **label)], **forth)
        equal(companies_of(lea)[acme], {UNLABELLED})
        one.delete(acme, object_id=lea, **between)
        equal(set(companies_of(lea)), {bolt})
        batch.delete(inputs=[{"from": {"id": lea}, "to": [{"id": bolt}]}], **forth)
        equal(companies_of(lea), {})

    with check("a label that is removed is gone in both directions"):
        labels.delete_label(advisor, **forth)
        for way in (forth, back):
            equal([it for it in labels.list_labels(**way).results if it.category == "USER_DEFINED"], [])
