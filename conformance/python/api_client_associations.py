"""The part of `api_client.py` that joins records: associations and their labels, on v4 paths."""

from hubspot.crm import companies, contacts
from hubspot.crm.associations import v4
from hubspot.crm.associations.v4 import schema

from check import check, equal, of, true

CONTACT_TO_COMPANY = 279
PRIMARY_COMPANY = 1
UNLABELLED = ("HUBSPOT_DEFINED", CONTACT_TO_COMPANY)


def drive(crm, lenient, sandbox):
    one, batch = crm.associations.v4.basic_api, crm.associations.v4.batch_api
    labels = crm.associations.v4.schema.definitions_api

    def contact(email, associations=None):
        body = contacts.SimplePublicObjectInputForCreate(properties={"email": email}, associations=associations)
        return crm.contacts.basic_api.create(body).id

    def company(name):
        return crm.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties={"name": name})).id

    def spec(type_id, category="HUBSPOT_DEFINED", of=v4):
        return of.AssociationSpec(association_category=category, association_type_id=type_id)

    def pair(kind, left, right, **more):
        return kind(_from=v4.PublicObjectId(id=left), to=right, **more)

    def companies_of(record):
        """What the account holds: company to its types, by category too: an id is unique within a category only."""
        held = sandbox.records("contacts")[record]["associations"].get("companies", [])
        return {it["id"]: {(kind["category"], kind["typeId"]) for kind in it["types"]} for it in held}

    acme, bolt = company("Acme"), company("Bolt")
    kim, lea = contact("kim@example.com"), contact("lea@example.com")

    with check("two records are joined by the default type, twice the same"):
        for _ in range(2):
            answer = one.create_default("contacts", kim, "companies", acme)
            of(v4.BatchResponsePublicDefaultAssociation, answer)
            (forth,) = [it for it in answer.results if it._from.id == kim]
            equal((forth.to.id, forth.association_spec.association_type_id), (acme, CONTACT_TO_COMPANY))
        equal(companies_of(kim), {acme: {UNLABELLED}})

    with check("a label with its inverse is created, listed and renamed"):
        create = schema.PublicAssociationDefinitionCreateRequest
        body = create(name="advisor", label="Advisor", inverse_label="Advised by")
        created = of(
            schema.CollectionResponseAssociationSpecWithLabelNoPaging, labels.create("contacts", "companies", body)
        )
        equal(sorted(it.label for it in created.results), ["Advised by", "Advisor"])
        forth = labels.get_all("contacts", "companies").results
        (advisor,) = [it.type_id for it in forth if it.label == "Advisor"]
        true((CONTACT_TO_COMPANY, "HUBSPOT_DEFINED") in [(it.type_id, it.category) for it in forth])
        back = labels.get_all("companies", "contacts").results
        true(("Advised by", "USER_DEFINED") in [(it.label, it.category) for it in back])
        rename = schema.PublicAssociationDefinitionUpdateRequest(association_type_id=advisor, label="Adviser")
        labels.update("contacts", "companies", rename)
        own = [it for it in labels.get_all("contacts", "companies").results if it.category == "USER_DEFINED"]
        equal([(it.type_id, it.label) for it in own], [(advisor, "Adviser")])

    with check("one pair takes a label; another set of labels replaces it"):
        answer = one.create("contacts", kim, "companies", acme, [spec(advisor, "USER_DEFINED")])
        equal(of(v4.LabelsBetweenObjectPair, answer).labels, ["Adviser"])
        equal(companies_of(kim), {acme: {("USER_DEFINED", advisor), UNLABELLED}})
        one.create("contacts", kim, "companies", acme, [spec(PRIMARY_COMPANY)])
        equal(companies_of(kim), {acme: {("HUBSPOT_DEFINED", PRIMARY_COMPANY), UNLABELLED}})

    with check("a batch joins by type; an id that is not there is 207 for its pair alone"):
        def inputs(*pairs):
            many = [
                pair(v4.PublicAssociationMultiPost, left, v4.PublicObjectId(id=right), types=[spec(advisor, "USER_DEFINED")])
                for left, right in pairs
            ]
            return v4.BatchInputPublicAssociationMultiPost(inputs=many)

        clean = batch.create("contacts", "companies", inputs((lea, acme), (lea, bolt)))
        of(v4.BatchResponseLabelsBetweenObjectPair, clean)
        equal({it.to_object_id for it in clean.results}, {acme, bolt})
        partial = lenient.associations.v4.batch_api
        mixed = partial.create("contacts", "companies", inputs(("987654321", acme), (kim, bolt)))
        of(v4.BatchResponseLabelsBetweenObjectPairWithErrors, mixed)
        equal((len(mixed.results), len(mixed.errors)), (1, 1))
        equal(set(companies_of(lea)), {acme, bolt})
        true(bolt in companies_of(kim))

    with check("a batch joins by the default type"):
        nia = contact("nia@example.com")
        many = [
            pair(v4.PublicDefaultAssociationMultiPost, nia, v4.PublicObjectId(id=right)) for right in (acme, bolt)
        ]
        body = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=many)
        of(v4.BatchResponsePublicDefaultAssociation, batch.create_default("contacts", "companies", body))
        equal(companies_of(nia), {acme: {UNLABELLED}, bolt: {UNLABELLED}})

    with check("associations are read for one record and for a batch, with their labels"):
        page = one.get_page("contacts", lea, "companies")
        of(v4.CollectionResponseMultiAssociatedObjectWithLabelForwardPaging, page)
        equal({it.to_object_id for it in page.results}, {acme, bolt})
        wanted = [v4.PublicFetchAssociationsBatchRequest(id=record) for record in (kim, lea)]
        body = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=wanted)
        read = of(v4.BatchResponsePublicAssociationMultiWithLabel, batch.get_page("contacts", "companies", body))
        equal({it._from.id for it in read.results}, {kim, lea})
        (of_lea,) = [it.to for it in read.results if it._from.id == lea]
        equal([{kind.label for kind in it.association_types} for it in of_lea], [{"Adviser", None}] * 2)

    with check("a type against its direction is refused"):
        try:
            one.create("companies", acme, "contacts", lea, [spec(CONTACT_TO_COMPANY)])
        except v4.ApiException as error:
            equal(error.status, 400)
        else:
            raise AssertionError("a type was taken against its direction")

    with check("a record is created with its associations and read with them"):
        joined = contacts.PublicAssociationsForObject(
            to=contacts.PublicObjectId(id=bolt), types=[spec(CONTACT_TO_COMPANY, of=contacts)]
        )
        mo = contact("mo@example.com", [joined])
        read = crm.contacts.basic_api.get_by_id(mo, associations=["companies"])
        told = read.associations["companies"].results
        equal({it.id for it in told}, {bolt})
        true("contact_to_company" in [it.type for it in told])
        equal(companies_of(mo), {bolt: {UNLABELLED}})

    with check("a label is taken from a pair, then the pair apart, one by one and in a batch"):
        batch.archive_labels("contacts", "companies", inputs((lea, acme)))
        equal(companies_of(lea)[acme], {UNLABELLED})
        one.archive("contacts", lea, "companies", acme)
        equal(set(companies_of(lea)), {bolt})
        apart = pair(v4.PublicAssociationMultiArchive, lea, [v4.PublicObjectId(id=bolt)])
        batch.archive("contacts", "companies", v4.BatchInputPublicAssociationMultiArchive(inputs=[apart]))
        equal(companies_of(lea), {})

    with check("a label that is removed is gone in both directions"):
        labels.remove("contacts", "companies", advisor)
        for left, right in (("contacts", "companies"), ("companies", "contacts")):
            left_over = [it for it in labels.get_all(left, right).results if it.category == "USER_DEFINED"]
            equal(left_over, [])
