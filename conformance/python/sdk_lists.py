"""The part of `sdk.py` that gathers records: lists and who is in them."""

import hubspot_sdk
from hubspot_sdk.types import crm as types

from check import check, equal, of, true

CONTACT = "0-1"
DAY_MS = 86_400_000


def in_city(name):
    """A filter branch in HubSpot's own names: this client does not put its names for the parts of one into HubSpot's."""
    operation = {
        "operationType": "MULTISTRING",
        "operator": "IS_EQUAL_TO",
        "values": [name],
        "includeObjectsWithNoValueSet": False,
    }
    city = {"filterType": "PROPERTY", "property": "city", "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": [city]}
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [inner], "filters": []}


def refused(error_type, call, *args, **kwargs):
    """The client's exception for a call that HubSpot refuses."""
    try:
        answer = call(*args, **kwargs)
    except error_type as error:
        return error
    raise AssertionError(f"expected {error_type.__name__}, got {answer!r}")


def drive(crm, sandbox):
    api = crm.lists

    def contact(name):
        return crm.objects.contacts.create(associations=[], properties={"email": f"{name}@lists.example.com"}).id

    def held(list_id):
        """What the account holds of a list."""
        return sandbox.lists()[list_id]["members"]

    one, two, three, four = [contact(name) for name in ("one", "two", "three", "four")]
    crm.objects.contacts.delete(four)

    with check("a manual list is created and read by id and by name"):
        created = api.create(name="Customers", object_type_id=CONTACT, processing_type="MANUAL")
        of(types.ListCreateResponse, created)
        own = created.list.list_id
        equal((created.list.processing_type, created.list.processing_status), ("MANUAL", "COMPLETE"))
        equal(sandbox.lists()[own]["name"], "Customers")
        read = of(types.ListFetchResponse, api.get(own)).list
        equal(api.get_by_object_type_and_name("customers", object_type_id=CONTACT).list, read)
        equal([it.list_id for it in api.list(list_ids=[own]).lists], [own])
        refused(hubspot_sdk.NotFoundError, api.get, "999999")

    with check("a name that is taken is refused, in another case of letters too"):
        body = {"name": "CUSTOMERS", "object_type_id": "0-2", "processing_type": "MANUAL"}
        error = refused(hubspot_sdk.BadRequestError, api.create, **body)
        equal(error.body["subCategory"], "ILS.DUPLICATE_LIST_NAMES")

    with check("records are added; unknown and archived ones are missing, members are passed over"):
        of(types.MembershipsUpdateResponse, api.add_memberships(own, body=[one]))
        answer = api.add_memberships(own, body=[one, two, four, "999999"])
        equal(answer.records_ids_added, [two])
        equal(set(answer.record_ids_missing), {four, "999999"})
        equal(held(own), [one, two])

    with check("records are removed, and added and removed at once"):
        equal(api.remove_memberships(own, body=[one, three]).record_ids_removed, [one])
        both = api.add_and_remove_memberships(own, record_ids_to_add=[three], record_ids_to_remove=[two])
        equal((both.records_ids_added, both.record_ids_removed), ([three], [two]))
        equal(held(own), [three])

    with check("members are paged by id and by when they came"):
        sandbox.passes(1_000)
        api.add_memberships(own, body=[one])
        equal([it.record_id for it in api.list_memberships(own, limit=1)], [one, three])
        equal([it.record_id for it in api.get_memberships_join_order(own, limit=1)], [three, one])

    with check("records tell the lists that they are in"):
        (only,) = api.get_record_memberships(one, object_type_id=CONTACT).results
        equal(only.list_id, own)
        true(only.first_added_timestamp < only.last_added_timestamp)
        inputs = [{"object_type_id": CONTACT, "record_id": it} for it in (one, two)]
        several = of(types.BatchResponseRecordIDWithMemberships, api.batch_read_memberships(inputs=inputs))
        equal([len(it.record_list_memberships) for it in several.results], [1, 0])

    with check("a dynamic list keeps its filters, refuses members, and becomes manual at its time"):
        body = {"name": "In Ulm", "object_type_id": CONTACT, "processing_type": "DYNAMIC"}
        dynamic = api.create(filter_branch=in_city("Ulm"), **body).list.list_id
        equal(api.get(dynamic).list.filter_branch, None)
        branch = of(types.PublicOrFilterBranch, api.get(dynamic, include_filters=True).list.filter_branch)
        equal(branch.filter_branches[0].filters[0].operation.values, ["Ulm"])
        refused(hubspot_sdk.BadRequestError, api.add_memberships, dynamic, body=[one])
        changed = api.update_list_filters(dynamic, filter_branch=in_city("Bern")).updated_list
        equal(changed.filter_branch.filter_branches[0].filters[0].operation.values, ["Bern"])
        asked = {"conversion_type": "INACTIVITY", "offset": 2, "time_unit": "DAY"}
        of(types.PublicListConversionResponse, api.update_schedule_conversion(dynamic, **asked))
        sandbox.passes(2 * DAY_MS)
        true(api.get_schedule_conversion(dynamic).converted_at is not None)
        api.add_memberships_from(own, list_id=dynamic)
        equal(held(dynamic), [one, three])
        api.delete_memberships(dynamic)
        equal(held(dynamic), [])

    with check("lists are found by words of their names, page by page"):
        every = {"list_ids": [], "processing_types": [], "additional_filter_properties": [], "count": 1, "query": "u"}
        first = of(types.ListSearchResponse, api.list_by_search(offset=0, **every))
        equal((first.total, first.has_more, first.lists[0].name), (2, True, "Customers"))
        second = api.list_by_search(offset=first.offset, **every)
        equal((second.has_more, second.lists[0].name), (False, "In Ulm"))

    with check("a list is renamed, deleted and restored with its members"):
        equal(api.update_list_name(own, list_name="Clients").updated_list.name, "Clients")
        api.delete(own)
        refused(hubspot_sdk.NotFoundError, api.get, own)
        api.restore(own)
        equal(held(own), [one, three])

    with check("a legacy id leads to its list"):
        sandbox.load({"lists": [{"name": "Old", "objectTypeId": CONTACT, "listId": 900, "legacyListId": 9}]})
        equal(api.get_id_mapping(legacy_list_id="9").list_id, "900")
        several = of(types.PublicBatchMigrationMapping, api.create_id_mapping(body=["9", "10"]))
        equal(several.missing_legacy_list_ids, ["10"])
