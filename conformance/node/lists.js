'use strict';
// The part of `api-client.js` that gathers records: lists and who is in them, on v3 paths.

const assert = require('node:assert/strict');
const lists = require('@hubspot/api-client/lib/codegen/crm/lists');
const { check, refused, typed } = require('./check');

const CONTACT = '0-1';
const DAY_MS = 86_400_000;

const operation = { operationType: 'MULTISTRING', operator: 'IS_EQUAL_TO', values: ['Ulm'], includeObjectsWithNoValueSet: false };
const filter = { filterType: 'PROPERTY', property: 'city', operation };
const inner = { filterBranchType: 'AND', filterBranchOperator: 'AND', filterBranches: [], filters: [filter] };
const IN_ULM = { filterBranchType: 'OR', filterBranchOperator: 'OR', filterBranches: [inner], filters: [] };

async function drive(crm, sandbox) {
  const { listsApi, mappingApi, membershipsApi } = crm.lists;
  const ids = [];
  for (const name of ['one', 'two', 'three', 'four']) {
    ids.push((await crm.contacts.basicApi.create({ properties: { email: `${name}@lists.example.com` } })).id);
  }
  const [one, two, three, four] = ids;
  await crm.contacts.basicApi.archive(four);
  /** What the account holds of a list. */
  const held = async (id) => (await sandbox.lists()).get(id).members;
  let id;

  await check('a manual list is created and read by id and by name', async () => {
    const created = await listsApi.create({ name: 'Customers', objectTypeId: CONTACT, processingType: 'MANUAL' });
    typed(lists, lists.ListCreateResponse, created);
    id = created.list.listId;
    assert.deepEqual([created.list.processingType, created.list.processingStatus], ['MANUAL', 'COMPLETE']);
    assert.equal((await sandbox.lists()).get(id).name, 'Customers');
    const byId = await listsApi.getById(id);
    typed(lists, lists.ListFetchResponse, byId);
    assert.deepEqual((await listsApi.getByName('customers', CONTACT)).list, byId.list);
    typed(lists, lists.ListsByIdResponse, await listsApi.getAll([id]));
    await refused(404, () => listsApi.getById('999999'));
  });

  await check('a name that is taken is refused, in another case of letters too', async () => {
    const body = { name: 'CUSTOMERS', objectTypeId: '0-2', processingType: 'MANUAL' };
    const error = await refused(400, () => listsApi.create(body));
    assert.equal(error.body.subCategory, 'ILS.DUPLICATE_LIST_NAMES');
  });

  await check('records are added; unknown and archived ones are missing, members are passed over', async () => {
    typed(lists, lists.MembershipsUpdateResponse, await membershipsApi.add(id, [one]));
    const answer = await membershipsApi.add(id, [one, two, four, '999999']);
    assert.deepEqual(answer.recordsIdsAdded, [two]);
    assert.deepEqual(new Set(answer.recordIdsMissing), new Set([four, '999999']));
    assert.deepEqual(await held(id), [one, two]);
  });

  await check('records are removed, and added and removed at once', async () => {
    const answer = await membershipsApi.remove(id, [one, three]);
    assert.deepEqual(answer.recordIdsRemoved, [one]);
    const both = await membershipsApi.addAndRemove(id, { recordIdsToAdd: [three], recordIdsToRemove: [two] });
    typed(lists, lists.MembershipsUpdateResponse, both);
    assert.deepEqual([both.recordsIdsAdded, both.recordIdsRemoved], [[three], [two]]);
    assert.deepEqual(await held(id), [three]);
  });

  await check('members are paged by id and by when they came', async () => {
    await sandbox.pass(1_000);
    await membershipsApi.add(id, [one]);
    for (const [page, expected] of [
      [membershipsApi.getPage.bind(membershipsApi), [one, three]],
      [membershipsApi.getPageOrderedByAddedToListDate.bind(membershipsApi), [three, one]],
    ]) {
      const first = await page(id, undefined, undefined, 1);
      typed(lists, lists.ApiCollectionResponseJoinTimeAndRecordId, first);
      const second = await page(id, first.paging.next.after, undefined, 1);
      assert.deepEqual([...first.results, ...second.results].map((it) => it.recordId), expected);
      assert.equal(second.paging.next, undefined);
    }
  });

  await check('a record tells the lists that it is in', async () => {
    const answer = await membershipsApi.getLists(CONTACT, one);
    typed(lists, lists.ApiCollectionResponseRecordListMembershipNoPaging, answer);
    assert.deepEqual(answer.results.map((it) => it.listId), [id]);
    assert.ok(answer.results[0].firstAddedTimestamp < answer.results[0].lastAddedTimestamp);
  });

  await check('a dynamic list keeps its filters, refuses members, and becomes manual at its time', async () => {
    const body = { name: 'In Ulm', objectTypeId: CONTACT, processingType: 'DYNAMIC', filterBranch: IN_ULM };
    const dynamic = (await listsApi.create(body)).list.listId;
    assert.equal((await listsApi.getById(dynamic)).list.filterBranch, undefined);
    const read = (await listsApi.getById(dynamic, true)).list.filterBranch;
    assert.equal(read.filterBranches[0].filters[0].property, 'city');
    await refused(400, () => membershipsApi.add(dynamic, [one]));
    await listsApi.updateListFilters(dynamic, { filterBranch: IN_ULM });
    await listsApi.scheduleOrUpdateConversion(dynamic, { conversionType: 'INACTIVITY', offset: 2, timeUnit: 'DAY' });
    await sandbox.pass(2 * DAY_MS);
    assert.ok((await listsApi.getConversionDetails(dynamic)).convertedAt);
    await membershipsApi.addAllFromList(dynamic, id);
    assert.deepEqual(await held(dynamic), [one, three]);
    await membershipsApi.removeAll(dynamic);
    assert.deepEqual(await held(dynamic), []);
  });

  await check('lists are found by words of their names, page by page', async () => {
    const search = (offset) => ({ query: 'u', offset, count: 1, processingTypes: [], listIds: [], additionalProperties: [] });
    const first = await listsApi.doSearch(search(0));
    typed(lists, lists.ListSearchResponse, first);
    assert.deepEqual([first.total, first.hasMore, first.lists[0].name], [2, true, 'Customers']);
    assert.equal(first.lists[0].additionalProperties.hs_list_size, '2');
    const second = await listsApi.doSearch(search(first.offset));
    assert.deepEqual([second.hasMore, second.lists[0].name], [false, 'In Ulm']);
  });

  await check('a list is renamed, deleted and restored with its members', async () => {
    const renamed = await listsApi.updateName(id, 'Clients');
    typed(lists, lists.ListUpdateResponse, renamed);
    assert.equal(renamed.updatedList.name, 'Clients');
    await listsApi.remove(id);
    await refused(404, () => listsApi.getById(id));
    await refused(404, () => membershipsApi.add(id, [two]));
    await listsApi.restore(id);
    assert.deepEqual(await held(id), [one, three]);
  });

  await check('a legacy id leads to its list', async () => {
    await sandbox.load({ lists: [{ name: 'Old', objectTypeId: CONTACT, listId: 900, legacyListId: 9 }] });
    assert.equal((await mappingApi.translateLegacyListIdToListId('9')).listId, '900');
    const several = await mappingApi.translateLegacyListIdToListIdBatch(['9', '10']);
    typed(lists, lists.PublicBatchMigrationMapping, several);
    assert.deepEqual(several.missingLegacyListIds, ['10']);
  });
}

module.exports = { drive };
