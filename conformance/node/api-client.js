'use strict';
// Drives an account with HubSpot's Node client, `@hubspot/api-client`: v3 paths for records, v4 for associations.
//
//   node api-client.js BASE_URL TOKEN
//
// The account must be an empty sandbox of the Enterprise tier. Ends non-zero at the first check that fails.

const assert = require('node:assert/strict');
const hubspot = require('@hubspot/api-client');
const contacts = require('@hubspot/api-client/lib/codegen/crm/contacts');
const associations = require('./associations');
const definitions = require('./definitions');
const customEvents = require('./events');
const lists = require('./lists');
const { Sandbox, check, finished, refused, typed, waits } = require('./check');

const [basePath, accessToken] = process.argv.slice(2);
const sandbox = new Sandbox(basePath);

const HOUR_MS = 3_600_000;
const NO_LIMITS = { burst: null, search_per_second: null, association_burst: null };

/** One client by its options; the decorators of this client are one for the process, so the last made counts. */
function connect(options = {}) {
  return new hubspot.Client({ accessToken, basePath, ...options });
}

async function records(crm) {
  const api = crm.contacts.basicApi;
  let anna;

  await check('a contact is created', async () => {
    anna = await api.create({ properties: { email: 'Anna@Example.com', firstname: 'Anna' } });
    typed(contacts, contacts.SimplePublicObject, anna);
    assert.equal(anna.properties.email, 'anna@example.com');
    assert.equal(anna.archived, false);
    assert.equal((await sandbox.records('contacts')).get(anna.id).properties.firstname, 'Anna');
  });

  await check('a contact is read by id and by e-mail', async () => {
    const byId = await api.getById(anna.id, ['email', 'phone', 'no_such_property']);
    typed(contacts, contacts.SimplePublicObjectWithAssociations, byId);
    assert.equal(byId.properties.phone, null);
    assert.ok(!('no_such_property' in byId.properties));
    const byEmail = await api.getById('anna@example.com', ['firstname'], undefined, undefined, false, 'email');
    assert.equal(byEmail.id, anna.id);
    assert.equal(byEmail.properties.firstname, 'Anna');
  });

  await check('a property is set and cleared', async () => {
    const set = await api.update(anna.id, { properties: { phone: '+49 30 1', lastname: 'Berg' } });
    typed(contacts, contacts.SimplePublicObject, set);
    assert.equal(set.properties.lastname, 'Berg');
    await api.update('anna@example.com', { properties: { phone: '' } }, 'email');
    const after = (await sandbox.records('contacts')).get(anna.id);
    assert.equal(after.properties.lastname, 'Berg');
    assert.ok(!after.properties.phone);
  });

  await check('a value that its property does not take is refused with its code', async () => {
    const error = await refused(400, () => api.update(anna.id, { properties: { lifecyclestage: 'no such stage' } }));
    assert.equal(error.body.category, 'VALIDATION_ERROR');
    assert.equal(error.body.errors[0].code, 'INVALID_OPTION');
    assert.deepEqual(error.body.errors[0].context.propertyName, ['lifecyclestage']);
    assert.equal(error.headers['x-hubspot-correlation-id'], error.body.correlationId);
  });

  await check('a second contact with the e-mail is 409 with the existing id', async () => {
    const error = await refused(409, () => api.create({ properties: { email: 'ANNA@example.com' } }));
    assert.equal(error.body.category, 'CONFLICT');
    assert.equal(error.body.message, `Contact already exists. Existing ID: ${anna.id}`);
    assert.equal((await sandbox.records('contacts')).size, 1);
  });

  await check('a record that is not there is 404', async () => {
    await refused(404, () => api.getById('999999999'));
  });

  await check('an archived contact is found among the archived only', async () => {
    const gone = await api.create({ properties: { email: 'gone@example.com' } });
    await api.archive(gone.id);
    await refused(404, () => api.getById(gone.id));
    const found = await api.getById(gone.id, ['email'], undefined, undefined, true);
    typed(contacts, contacts.SimplePublicObjectWithAssociations, found);
    assert.equal(found.archived, true);
    assert.ok(found.archivedAt instanceof Date);
  });

  await check('the raw request helper reaches the account', async () => {
    const answer = await connect().apiRequest({ method: 'GET', path: '/account-info/v3/details' });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).portalId, 1234567);
  });

  await check('a wrong token is 401', async () => {
    const stranger = connect({ accessToken: 'pat-na1-nobody' });
    const error = await refused(401, () => stranger.crm.contacts.basicApi.getPage());
    assert.equal(error.body.category, 'INVALID_AUTHENTICATION');
  });
}

async function batches(crm) {
  const api = crm.contacts.batchApi;
  const ids = new Map();
  const row = (n, more = {}) => ({ properties: { email: `row${n}@example.com`, ...more }, objectWriteTraceId: `row-${n}` });

  await check('a batch of 100 is created and a page of the list follows the other', async () => {
    const inputs = Array.from({ length: 100 }, (_, n) => row(n, { firstname: `N${n}` }));
    const answer = await api.create({ inputs });
    typed(contacts, contacts.BatchResponseSimplePublicObject, answer);
    assert.equal(answer.status, 'COMPLETE');
    assert.equal(answer.results.length, 100);
    for (const result of answer.results) ids.set(result.properties.email, result.id);
    const listed = await crm.contacts.getAll(40, undefined, ['email']);
    assert.equal(listed.length, 101);
    for (const [email, id] of ids) assert.ok(listed.some((it) => it.id === id && it.properties.email === email), email);
  });

  await check('a batch of 101 is refused whole', async () => {
    const inputs = Array.from({ length: 101 }, (_, n) => row(n + 1000));
    await refused(400, () => api.create({ inputs }));
    assert.equal((await sandbox.records('contacts')).size, 102);
  });

  await check('one bad row of three is 207: the others are stored, the error names its row', async () => {
    const inputs = [row(200), row(201, { lifecyclestage: 'no such stage' }), row(202)];
    const answer = await api.create({ inputs });
    typed(contacts, contacts.BatchResponseSimplePublicObjectWithErrors, answer);
    assert.equal(answer.results.length, 2);
    assert.equal(answer.numErrors, 1);
    assert.equal(answer.errors[0].category, 'VALIDATION_ERROR');
    assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ['row-201']);
    const emails = [...(await sandbox.records('contacts')).values()].map((it) => it.properties.email);
    assert.ok(emails.includes('row200@example.com') && !emails.includes('row201@example.com'));
  });

  await check('a taken e-mail in a batch is 207 with the existing id', async () => {
    const answer = await api.create({ inputs: [row(0), row(203)] });
    typed(contacts, contacts.BatchResponseSimplePublicObjectWithErrors, answer);
    assert.equal(answer.errors[0].category, 'CONFLICT');
    assert.deepEqual(answer.errors[0].context.existingId, [ids.get('row0@example.com')]);
    assert.equal(answer.results.length, 1);
  });

  await check('a batch is read by e-mail; who is not there is 207', async () => {
    const inputs = ['row1@example.com', 'row2@example.com', 'nobody@example.com'].map((id) => ({ id }));
    const answer = await api.read({ idProperty: 'email', properties: ['firstname'], propertiesWithHistory: [], inputs });
    typed(contacts, contacts.BatchResponseSimplePublicObjectWithErrors, answer);
    assert.deepEqual(answer.results.map((it) => it.properties.firstname).sort(), ['N1', 'N2']);
    assert.equal(answer.errors[0].category, 'OBJECT_NOT_FOUND');
    assert.deepEqual(answer.errors[0].context.ids, ['nobody@example.com']);
  });

  await check('a batch is updated by id', async () => {
    const inputs = [1, 2].map((n) => ({ id: ids.get(`row${n}@example.com`), properties: { lastname: `L${n}` } }));
    const answer = await api.update({ inputs });
    typed(contacts, contacts.BatchResponseSimplePublicObject, answer);
    assert.equal(answer.results.length, 2);
    const stored = await sandbox.records('contacts');
    for (const n of [1, 2]) assert.equal(stored.get(ids.get(`row${n}@example.com`)).properties.lastname, `L${n}`);
  });

  await check('a batch upsert says which rows are new', async () => {
    const inputs = ['row3@example.com', 'fresh@example.com'].map((id) => ({
      id,
      idProperty: 'email',
      properties: { city: 'Bonn' },
      objectWriteTraceId: id,
    }));
    const answer = await api.upsert({ inputs });
    typed(contacts, contacts.BatchResponseSimplePublicUpsertObject, answer);
    const stored = await sandbox.records('contacts');
    assert.equal(answer.results.length, 2);
    for (const result of answer.results) {
      const { email, city } = stored.get(result.id).properties;
      assert.equal(result._new, email === 'fresh@example.com', email);
      assert.equal(city, 'Bonn');
    }
  });

  await check('a batch is archived', async () => {
    const inputs = [4, 5].map((n) => ({ id: ids.get(`row${n}@example.com`) }));
    await api.archive({ inputs });
    const stored = await sandbox.records('contacts');
    for (const { id } of inputs) assert.equal(stored.get(id).archived, true);
  });
}

async function search(crm) {
  const request = (value, after) => ({
    filterGroups: [{ filters: [{ propertyName: 'city', operator: 'EQ', value }] }],
    sorts: ['email'],
    properties: ['email'],
    limit: 1,
    after,
  });

  await check('search sees a write only once its index has it, and pages', async () => {
    const api = crm.contacts.searchApi;
    const before = await sandbox.now();
    await crm.contacts.basicApi.create({ properties: { email: 'lag@example.com', city: 'Ulm' } });
    const early = await api.doSearch(request('Ulm'));
    // five seconds is the least that its index lags behind
    assert.ok(early.total === 0 || (await sandbox.now()) - before >= 5_000);
    await sandbox.pass(60_000);
    const found = await api.doSearch(request('Ulm'));
    typed(contacts, contacts.CollectionResponseWithTotalSimplePublicObjectForwardPaging, found);
    assert.equal(found.total, 1);
    assert.equal(found.results[0].properties.email, 'lag@example.com');
    const first = await api.doSearch(request('Bonn'));
    assert.equal(first.total, 2);
    const second = await api.doSearch(request('Bonn', first.paging.next.after));
    const emails = [...first.results, ...second.results].map((it) => it.properties.email);
    assert.deepEqual(emails, ['fresh@example.com', 'row3@example.com']);
    assert.equal(second.paging, undefined);
  });
}

async function limits(crm) {
  const rolling = { match: { kind: 'list' }, do: { status: 429, policy: 'TEN_SECONDLY_ROLLING' } };

  await check('by default a 429 is not tried again', async () => {
    await sandbox.faults(rolling);
    let error;
    const sent = await sandbox.requests(async () => {
      error = await refused(429, () => crm.contacts.basicApi.getPage());
    });
    assert.equal(error.body.policyName, 'TEN_SECONDLY_ROLLING');
    assert.equal(error.body.category, 'RATE_LIMITS');
    assert.deepEqual(sent.map((it) => it.status), [429]);
  });

  await check('a burst that is used up is 429 with its headers, and free again when its window is over', async () => {
    await sandbox.limits({ burst: 3, burst_window_ms: HOUR_MS });
    for (const left of ['2', '1', '0']) {
      const { headers } = await crm.contacts.basicApi.getPageWithHttpInfo(1);
      assert.equal(headers['x-hubspot-ratelimit-remaining'], left);
      assert.equal(headers['x-hubspot-ratelimit-max'], '3');
      assert.equal(headers['x-hubspot-ratelimit-interval-milliseconds'], String(HOUR_MS));
    }
    const error = await refused(429, () => crm.contacts.basicApi.getPage(1));
    assert.equal(error.body.policyName, 'TEN_SECONDLY_ROLLING');
    assert.equal(error.headers['retry-after'], undefined);
    await sandbox.pass(HOUR_MS);
    await crm.contacts.basicApi.getPage(1);
    await sandbox.pass(HOUR_MS);
  });

  await check('asked to, the client waits ten seconds, then twenty and so on, until its call goes through', async () => {
    const patient = connect({ numberOfApiCallRetries: 6 }).crm.contacts.basicApi;
    // its waits are 10 + 20 + 30 + 40 + 50 seconds
    await sandbox.limits({ burst: 1, burst_window_ms: 100_000 });
    await patient.getPage(1);
    let waited;
    const sent = await sandbox.requests(async () => {
      waited = await waits(sandbox, () => patient.create({ properties: { email: 'patient@example.com' } }));
    });
    assert.ok(waited.length >= 1);
    assert.deepEqual(waited, [10_000, 20_000, 30_000, 40_000, 50_000].slice(0, waited.length));
    assert.deepEqual(sent.map((it) => it.status), [...waited.map(() => 429), 201]);
    const stored = [...(await sandbox.records('contacts')).values()];
    assert.equal(stored.filter((it) => it.properties.email === 'patient@example.com').length, 1);
    await sandbox.limits(NO_LIMITS);
  });

  await check('asked to, the client waits a second for a full second of searches', async () => {
    const patient = connect({ numberOfApiCallRetries: 3 }).crm.contacts.searchApi;
    await sandbox.faults({ match: { kind: 'search' }, do: { status: 429, policy: 'SECONDLY' } });
    let waited;
    const sent = await sandbox.requests(async () => {
      const request = { filterGroups: [], sorts: [], properties: [], limit: 1 };
      waited = await waits(sandbox, () => patient.doSearch(request));
    });
    assert.deepEqual(waited, [1_000]);
    assert.deepEqual(sent.map((it) => it.status), [429, 200]);
  });
}

async function main() {
  await sandbox.limits(NO_LIMITS);
  const { crm, events } = connect();
  await records(crm);
  await batches(crm);
  await search(crm);
  await definitions.properties(crm);
  await definitions.customObjects(crm, sandbox);
  await associations.drive(crm, sandbox);
  await customEvents.drive(events, crm, sandbox);
  await lists.drive(crm, sandbox);
  await definitions.pipelinesAndOwners(crm, sandbox);
  await limits(crm);
  finished();
}

main().catch((error) => {
  console.log(error);
  process.exit(1);
});
