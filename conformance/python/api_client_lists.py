"""The part of `api_client.py` that gathers records: lists and who is in them, on v3 paths."""

import json

from hubspot.crm import contacts, lists

from check import check, equal, of, true

CONTACT = "0-1"


def refused(status, call, *args, **kwargs):
    """The body of a refusal."""
    try:
        answer = call(*args, **kwargs)
    except lists.ApiException as error:
        equal(error.status, status)
        return json.loads(error.body)
    raise AssertionError(f"expected {status}, got {answer!r}")


def drive(crm, sandbox):
    api, mapping, members = crm.lists.lists_api, crm.lists.mapping_api, crm.lists.memberships_api

    def contact(name):
        properties = {"email": f"{name}@lists.example.com"}
        return crm.contacts.basic_api.create(contacts.SimplePublicObjectInputForCreate(properties=properties)).id

    def held(list_id):
        """What the account holds of a list."""
        return sandbox.lists()[list_id]["members"]

    one, two, three, four = [contact(name) for name in ("one", "two", "three", "four")]
    crm.contacts.basic_api.archive(four)

    with check("a manual list is created and read by id and by name"):
        body = lists.ListCreateRequest(name="Customers", object_type_id=CONTACT, processing_type="MANUAL")
        created = of(lists.ListCreateResponse, api.create(body)).list
        own = created.list_id
        equal((created.processing_type, created.processing_status), ("MANUAL", "COMPLETE"))
        equal(sandbox.lists()[own]["name"], "Customers")
        read = of(lists.ListFetchResponse, api.get_by_id(own)).list
        equal(api.get_by_name("customers", CONTACT).list, read)
        equal([it.list_id for it in of(lists.ListsByIdResponse, api.get_all(list_ids=[own])).lists], [own])
        refused(404, api.get_by_id, "999999")

    with check("a name that is taken is refused, in another case of letters too"):
        body = lists.ListCreateRequest(name="CUSTOMERS", object_type_id="0-2", processing_type="MANUAL")
        equal(refused(400, api.create, body)["subCategory"], "ILS.DUPLICATE_LIST_NAMES")

    with check("records are added; unknown and archived ones are missing, members are passed over"):
        of(lists.MembershipsUpdateResponse, members.add(own, [one]))
        answer = members.add(own, [one, two, four, "999999"])
        equal(answer.records_ids_added, [two])
        equal(set(answer.record_ids_missing), {four, "999999"})
        equal(held(own), [one, two])

    with check("records are removed, and added and removed at once"):
        equal(members.remove(own, [one, three]).record_ids_removed, [one])
        body = lists.MembershipChangeRequest(record_ids_to_add=[three], record_ids_to_remove=[two])
        both = of(lists.MembershipsUpdateResponse, members.add_and_remove(own, body))
        equal((both.records_ids_added, both.record_ids_removed), ([three], [two]))
        equal(held(own), [three])

    with check("members are paged by id and by when they came"):
        sandbox.passes(1_000)
        members.add(own, [one])
        pages = ((members.get_page, [one, three]), (members.get_page_ordered_by_added_to_list_date, [three, one]))
        for page, expected in pages:
            first = of(lists.ApiCollectionResponseJoinTimeAndRecordId, page(own, limit=1))
            second = page(own, limit=1, after=first.paging.next.after)
            equal([it.record_id for it in first.results + second.results], expected)
            equal(second.paging.next, None)

    with check("a record tells the lists that it is in"):
        (only,) = members.get_lists(CONTACT, one).results
        equal(only.list_id, own)
        true(only.first_added_timestamp < only.last_added_timestamp)

    with check("members of a dynamic list are refused, and those of one list go to another"):
        sandbox.load({"lists": [{"name": "In Ulm", "objectTypeId": CONTACT, "processingType": "DYNAMIC", "members": [two]}]})
        dynamic = api.get_by_name("In Ulm", CONTACT).list
        equal(dynamic.processing_type, "DYNAMIC")
        refused(400, members.add, dynamic.list_id, [one])
        members.add_all_from_list(own, dynamic.list_id)
        equal(held(own), [one, two, three])
        members.remove_all(own)
        equal(held(own), [])

    with check("lists are found by words of their names, page by page"):

        def search(offset):
            return lists.ListSearchRequest(
                query="u", offset=offset, count=1, processing_types=[], list_ids=[], additional_properties=[]
            )

        first = of(lists.ListSearchResponse, api.do_search(search(0)))
        equal((first.total, first.has_more, first.lists[0].name), (2, True, "Customers"))
        second = api.do_search(search(first.offset))
        equal((second.has_more, second.lists[0].additional_properties["hs_list_size"]), (False, "1"))

    with check("a list is renamed, deleted and restored with its members"):
        members.add(own, [one])
        equal(of(lists.ListUpdateResponse, api.update_name(own, list_name="Clients")).updated_list.name, "Clients")
        api.remove(own)
        refused(404, api.get_by_id, own)
        refused(404, members.add, own, [two])
        api.restore(own)
        equal(held(own), [one])

    with check("a legacy id leads to its list"):
        sandbox.load({"lists": [{"name": "Old", "objectTypeId": CONTACT, "listId": 900, "legacyListId": 9}]})
        equal(mapping.translate_legacy_list_id_to_list_id(legacy_list_id="9").list_id, "900")
        several = mapping.translate_legacy_list_id_to_list_id_batch(["9", "10"])
        equal(of(lists.PublicBatchMigrationMapping, several).missing_legacy_list_ids, ["10"])
