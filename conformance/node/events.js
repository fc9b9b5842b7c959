'use strict';
// The part of `api-client.js` that sends custom events and reads them. This client knows no definitions; they are loaded.

const assert = require('node:assert/strict');
const models = require('@hubspot/api-client/lib/codegen/events');
const { check, refused, typed } = require('./check');

const LOGIN = 'pe1234567_login';
const LAG_MS = 60_000;

async function drive(events, crm, sandbox) {
  const { basicApi, batchApi } = events.send;
  const { eventsApi } = events;
  await sandbox.load({
    event_definitions: [{ name: 'login', label: 'Login', propertyDefinitions: [{ name: 'plan', label: 'Plan', type: 'string' }] }],
  });
  const eva = (await crm.contacts.basicApi.create({ properties: { email: 'eva@example.com' } })).id;
  const stored = async (uuid) => (await sandbox.events()).filter((it) => it.uuid === uuid);
  const read = (ids) =>
    eventsApi.getPage(undefined, LOGIN, undefined, undefined, 10, undefined, undefined, undefined, undefined, undefined, undefined, ids);

  await check('an event is sent with the time it occurred at', async () => {
    const occurredAt = new Date('2025-01-02T03:04:05.600Z');
    await basicApi.send({ eventName: LOGIN, email: 'Eva@example.com', uuid: 'n1', occurredAt, properties: { hs_city: 'Ulm', plan: 'pro' } });
    const [held] = await stored('n1');
    assert.equal(held.record, eva);
    assert.equal(Date.parse(held.occurredAt), occurredAt.getTime());
    assert.deepEqual(held.properties, { hs_city: 'Ulm', plan: 'pro' });
  });

  await check('a batch is sent; an id that was sent before is not stored again', async () => {
    const one = (uuid) => ({ eventName: LOGIN, objectId: eva, uuid, properties: {} });
    await batchApi.send({ inputs: [one('n1'), one('n2'), one('n3')] });
    for (const uuid of ['n1', 'n2', 'n3']) assert.equal((await stored(uuid)).length, 1);
  });

  await check('a batch with an event that is not defined is refused as a whole', async () => {
    const one = (eventName) => ({ eventName, objectId: eva, uuid: 'n4', properties: {} });
    const error = await refused(400, () => batchApi.send({ inputs: [one(LOGIN), one('pe1234567_nothing')] }));
    assert.equal(error.body.category, 'VALIDATION_ERROR');
    assert.deepEqual(await stored('n4'), []);
  });

  await check('what occurred is read by id once it has been processed', async () => {
    await basicApi.send({ eventName: LOGIN, objectId: eva, uuid: 'n5', properties: { plan: 'free' } });
    assert.deepEqual((await read(['n5'])).results, []);
    await sandbox.pass(LAG_MS);
    const page = await read(['n5', 'n2']);
    typed(models, models.CollectionResponseExternalUnifiedEvent, page);
    assert.deepEqual(page.results.map((it) => it.id).sort(), ['n2', 'n5']);
    assert.ok(page.results.every((it) => it.objectId === eva && it.objectType === 'CONTACT'));
    const types = await eventsApi.getTypes();
    typed(models, models.VisibleExternalEventTypeNames, types);
    assert.deepEqual(types.eventTypes, [LOGIN]);
  });
}

module.exports = { drive };
