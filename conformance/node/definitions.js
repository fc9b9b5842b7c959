'use strict';
// The part of `api-client.js` about what an account defines: properties, custom objects, pipelines, owners.

const assert = require('node:assert/strict');
const objects = require('@hubspot/api-client/lib/codegen/crm/objects');
const owners = require('@hubspot/api-client/lib/codegen/crm/owners');
const pipelines = require('@hubspot/api-client/lib/codegen/crm/pipelines');
const types = require('@hubspot/api-client/lib/codegen/crm/properties');
const schemas = require('@hubspot/api-client/lib/codegen/crm/schemas');
const { check, refused, typed } = require('./check');

async function properties(crm) {
  const { coreApi, groupsApi, batchApi } = crm.properties;

  await check('a group and a unique property are created', async () => {
    const group = await groupsApi.create('contacts', { name: 'shop', label: 'Shop', displayOrder: 1 });
    typed(types, types.PropertyGroup, group);
    const groups = await groupsApi.getAll('contacts');
    assert.ok(groups.results.some((it) => it.name === 'shop' && it.label === 'Shop'));
    const created = await coreApi.create('contacts', {
      groupName: 'shop',
      name: 'customer_number',
      label: 'Customer number',
      type: 'string',
      fieldType: 'text',
      hasUniqueValue: true,
    });
    typed(types, types.Property, created);
    const read = await coreApi.getByName('contacts', 'customer_number');
    typed(types, types.Property, read);
    assert.equal(read.hasUniqueValue, true);
    assert.equal(read.groupName, 'shop');
  });

  await check('a property name that is taken is 409', async () => {
    const body = { groupName: 'shop', name: 'customer_number', label: 'x', type: 'string', fieldType: 'text' };
    const error = await refused(409, () => coreApi.create('contacts', body));
    assert.equal(error.body.category, 'OBJECT_ALREADY_EXISTS');
  });

  await check('a batch of properties with a taken name is 207', async () => {
    const property = (name) => ({ groupName: 'shop', name, label: name, type: 'number', fieldType: 'number' });
    const answer = await batchApi.create('contacts', { inputs: [property('points'), property('customer_number')] });
    typed(types, types.BatchResponsePropertyWithErrors, answer);
    assert.deepEqual(answer.results.map((it) => it.name), ['points']);
    assert.deepEqual(answer.errors[0].context.name, ['customer_number']);
  });

  await check('an option is added to an enumeration, and the list of properties has them all', async () => {
    const option = (value, displayOrder) => ({ label: value.toUpperCase(), value, displayOrder, hidden: false });
    const tier = { groupName: 'shop', name: 'tier', label: 'Tier', type: 'enumeration', fieldType: 'select' };
    await coreApi.create('contacts', { ...tier, options: [option('gold', 0)] });
    const updated = await coreApi.update('contacts', 'tier', { options: [option('gold', 0), option('silver', 1)] });
    typed(types, types.Property, updated);
    const all = await coreApi.getAll('contacts');
    typed(types, types.CollectionResponsePropertyNoPaging, all);
    assert.deepEqual(all.results.find((it) => it.name === 'tier').options.map((it) => it.value), ['gold', 'silver']);
    assert.ok(all.results.some((it) => it.name === 'email' && it.hubspotDefined));
  });

  await check('an archived property is gone and no write takes it', async () => {
    await coreApi.archive('contacts', 'points');
    await refused(404, () => coreApi.getByName('contacts', 'points'));
    const write = { properties: { email: 'p@example.com', points: '1' } };
    const error = await refused(400, () => crm.contacts.basicApi.create(write));
    assert.equal(error.body.errors[0].code, 'PROPERTY_DOESNT_EXIST');
  });
}

async function customObjects(crm, sandbox) {
  await check('a custom object is defined and a record of it written', async () => {
    const created = await crm.schemas.coreApi.create({
      name: 'vehicle',
      labels: { singular: 'Vehicle', plural: 'Vehicles' },
      primaryDisplayProperty: 'plate',
      requiredProperties: ['plate'],
      properties: [
        { name: 'plate', label: 'Plate', type: 'string', fieldType: 'text', hasUniqueValue: true },
        { name: 'seats', label: 'Seats', type: 'number', fieldType: 'number' },
      ],
      associatedObjects: ['CONTACT'],
    });
    typed(schemas, schemas.ObjectSchema, created);
    assert.match(created.objectTypeId, /^2-\d+$/);
    const listed = await crm.schemas.coreApi.getAll();
    assert.deepEqual(listed.results.map((it) => it.name), ['vehicle']);
    const read = await crm.schemas.coreApi.getById(created.objectTypeId);
    typed(schemas, schemas.ObjectSchema, read);
    assert.deepEqual(read.requiredProperties, ['plate']);
    assert.ok(read.properties.some((it) => it.name === 'seats' && it.type === 'number'));

    const record = await crm.objects.basicApi.create(read.fullyQualifiedName, { properties: { plate: 'B-1', seats: '4' } });
    typed(objects, objects.SimplePublicObject, record);
    const inputs = ['B-1', 'B-2'].map((id) => ({ id, idProperty: 'plate', properties: { seats: '5' } }));
    const upserted = await crm.objects.batchApi.upsert(read.objectTypeId, { inputs });
    typed(objects, objects.BatchResponseSimplePublicUpsertObject, upserted);
    const stored = [...(await sandbox.records('vehicle')).values()].map((it) => it.properties);
    assert.deepEqual(stored.map((it) => [it.plate, it.seats]).sort(), [['B-1', '5'], ['B-2', '5']]);
  });

  await check('a custom object without its required property is refused', async () => {
    await refused(400, () => crm.objects.basicApi.create('vehicle', { properties: { seats: '2' } }));
    assert.equal((await sandbox.records('vehicle')).size, 2);
  });
}

async function pipelinesAndOwners(crm, sandbox) {
  await check('pipelines and their stages are read, one is created', async () => {
    const standard = await crm.pipelines.pipelinesApi.getAll('deals');
    typed(pipelines, pipelines.CollectionResponsePipelineNoPaging, standard);
    assert.deepEqual(standard.results.map((it) => it.id), ['default']);
    const stages = await crm.pipelines.pipelineStagesApi.getAll('deals', 'default');
    typed(pipelines, pipelines.CollectionResponsePipelineStageNoPaging, stages);
    assert.equal(stages.results.find((it) => it.id === 'closedwon').metadata.isClosed, 'true');
    const created = await crm.pipelines.pipelinesApi.create('deals', {
      label: 'Renewals',
      displayOrder: 1,
      stages: [{ label: 'Due', displayOrder: 0, metadata: { probability: '0.5' } }],
    });
    typed(pipelines, pipelines.Pipeline, created);
    const stage = created.stages[0].id;
    const deal = { dealname: 'R1', pipeline: created.id, dealstage: stage };
    const written = await crm.deals.basicApi.create({ properties: deal });
    assert.equal((await sandbox.records('deals')).get(written.id).properties.dealstage, stage);
    const wrong = { properties: { ...deal, dealstage: 'no such stage' } };
    await refused(400, () => crm.deals.basicApi.create(wrong));
  });

  await check('owners are listed page by page, found by e-mail and read', async () => {
    await sandbox.load({
      owners: [
        { id: '71', email: 'ole@example.com', firstName: 'Ole', userId: 171 },
        { id: '72', email: 'pia@example.com', firstName: 'Pia', userId: 172 },
      ],
    });
    const api = crm.owners.ownersApi;
    const first = await api.getPage(undefined, undefined, 1);
    typed(owners, owners.CollectionResponsePublicOwnerForwardPaging, first);
    const second = await api.getPage(undefined, first.paging.next.after, 1);
    assert.deepEqual([...first.results, ...second.results].map((it) => it.id), ['71', '72']);
    const found = await api.getPage('pia@example.com');
    assert.deepEqual(found.results.map((it) => it.firstName), ['Pia']);
    const read = await api.getById(172, 'userId');
    typed(owners, owners.PublicOwner, read);
    assert.equal(read.id, '72');
  });
}

module.exports = { customObjects, pipelinesAndOwners, properties };
