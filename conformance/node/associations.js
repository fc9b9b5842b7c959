'use strict';
// The part of `api-client.js` that joins records: associations and their labels, on v4 paths.

const assert = require('node:assert/strict');
const contacts = require('@hubspot/api-client/lib/codegen/crm/contacts');
const v4 = require('@hubspot/api-client/lib/codegen/crm/associations/v4');
const labels = require('@hubspot/api-client/lib/codegen/crm/associations/v4/schema');
const { check, refused, typed } = require('./check');

/** HubSpot was seen to answer these as numbers, although its specification says strings. */
const NUMBERS = { fromObjectId: 'number', toObjectId: 'number' };

const CONTACT_TO_COMPANY = 279;
const PRIMARY_COMPANY = 1;
const UNLABELLED = `HUBSPOT_DEFINED ${CONTACT_TO_COMPANY}`;
const defined = (associationTypeId) => ({ associationCategory: 'HUBSPOT_DEFINED', associationTypeId });
const named = (associationTypeId) => ({ associationCategory: 'USER_DEFINED', associationTypeId });

async function drive(crm, sandbox) {
  const { basicApi, batchApi } = crm.associations.v4;
  const { definitionsApi } = crm.associations.v4.schema;
  const made = async (api, properties) => (await api.create({ properties })).id;
  const acme = await made(crm.companies.basicApi, { name: 'Acme' });
  const bolt = await made(crm.companies.basicApi, { name: 'Bolt' });
  const kim = await made(crm.contacts.basicApi, { email: 'kim@example.com' });
  const lea = await made(crm.contacts.basicApi, { email: 'lea@example.com' });

  /** What the account holds: company to its types, each by category and id, since an id is unique within a category only. */
  async function companiesOf(contact) {
    const { companies = [] } = (await sandbox.records('contacts')).get(contact).associations;
    return Object.fromEntries(companies.map(({ id, types }) => [id, types.map((it) => `${it.category} ${it.typeId}`).sort()]));
  }

  await check('two records are joined by the default type, twice the same', async () => {
    for (let times = 0; times < 2; times += 1) {
      const answer = await basicApi.createDefault('contacts', kim, 'companies', acme);
      typed(v4, v4.BatchResponsePublicDefaultAssociation, answer);
      assert.equal(answer.status, 'COMPLETE');
      const forth = answer.results.find((it) => it._from.id === kim);
      assert.equal(forth.to.id, acme);
      assert.equal(forth.associationSpec.associationTypeId, CONTACT_TO_COMPANY);
    }
    assert.deepEqual(await companiesOf(kim), { [acme]: [UNLABELLED] });
  });

  let advisor;
  await check('a label with its inverse is created, listed and renamed', async () => {
    const created = await definitionsApi.create('contacts', 'companies', {
      name: 'advisor',
      label: 'Advisor',
      inverseLabel: 'Advised by',
    });
    typed(labels, labels.CollectionResponseAssociationSpecWithLabelNoPaging, created);
    assert.deepEqual(created.results.map((it) => it.label).sort(), ['Advised by', 'Advisor']);
    const forth = await definitionsApi.getAll('contacts', 'companies');
    typed(labels, labels.CollectionResponseAssociationSpecWithLabelNoPaging, forth);
    advisor = forth.results.find((it) => it.label === 'Advisor').typeId;
    assert.ok(forth.results.some((it) => it.typeId === CONTACT_TO_COMPANY && it.category === 'HUBSPOT_DEFINED'));
    const back = await definitionsApi.getAll('companies', 'contacts');
    assert.ok(back.results.some((it) => it.label === 'Advised by' && it.category === 'USER_DEFINED'));
    await definitionsApi.update('contacts', 'companies', { associationTypeId: advisor, label: 'Adviser' });
    const renamed = await definitionsApi.getAll('contacts', 'companies');
    const { label } = renamed.results.find((it) => it.category === 'USER_DEFINED' && it.typeId === advisor);
    assert.equal(label, 'Adviser');
  });

  await check('one pair takes a label; another set of labels replaces it', async () => {
    const answer = await basicApi.create('contacts', kim, 'companies', acme, [named(advisor)]);
    typed(v4, v4.LabelsBetweenObjectPair, answer, NUMBERS);
    assert.deepEqual(answer.labels, ['Adviser']);
    assert.deepEqual(await companiesOf(kim), { [acme]: [UNLABELLED, `USER_DEFINED ${advisor}`] });
    await basicApi.create('contacts', kim, 'companies', acme, [defined(PRIMARY_COMPANY)]);
    assert.deepEqual(await companiesOf(kim), { [acme]: [`HUBSPOT_DEFINED ${PRIMARY_COMPANY}`, UNLABELLED] });
  });

  await check('a batch joins by type; an id that is not there is 207 for its pair alone', async () => {
    const pair = (from, to) => ({ _from: { id: from }, to: { id: to }, types: [named(advisor)] });
    const clean = await batchApi.create('contacts', 'companies', { inputs: [pair(lea, acme), pair(lea, bolt)] });
    typed(v4, v4.BatchResponseLabelsBetweenObjectPair, clean, NUMBERS);
    assert.deepEqual(clean.results.map((it) => String(it.toObjectId)).sort(), [acme, bolt].sort());
    const mixed = await batchApi.create('contacts', 'companies', { inputs: [pair('987654321', acme), pair(kim, bolt)] });
    typed(v4, v4.BatchResponseLabelsBetweenObjectPairWithErrors, mixed, NUMBERS);
    assert.equal(mixed.results.length, 1);
    assert.equal(mixed.errors.length, 1);
    assert.deepEqual(Object.keys(await companiesOf(lea)).sort(), [acme, bolt].sort());
    assert.ok(bolt in (await companiesOf(kim)));
  });

  await check('a batch joins by the default type', async () => {
    const nia = await made(crm.contacts.basicApi, { email: 'nia@example.com' });
    const inputs = [acme, bolt].map((to) => ({ _from: { id: nia }, to: { id: to } }));
    const answer = await batchApi.createDefault('contacts', 'companies', { inputs });
    typed(v4, v4.BatchResponsePublicDefaultAssociation, answer);
    assert.deepEqual(await companiesOf(nia), { [acme]: [UNLABELLED], [bolt]: [UNLABELLED] });
  });

  await check('associations are read for one record and for a batch, with their labels', async () => {
    const one = await basicApi.getPage('contacts', lea, 'companies');
    typed(v4, v4.CollectionResponseMultiAssociatedObjectWithLabelForwardPaging, one, NUMBERS);
    assert.deepEqual(one.results.map((it) => String(it.toObjectId)).sort(), [acme, bolt].sort());
    const batch = await batchApi.getPage('contacts', 'companies', { inputs: [{ id: kim }, { id: lea }] });
    typed(v4, v4.BatchResponsePublicAssociationMultiWithLabel, batch, NUMBERS);
    assert.deepEqual(batch.results.map((it) => it._from.id).sort(), [kim, lea].sort());
    const ofLea = batch.results.find((it) => it._from.id === lea).to;
    for (const { associationTypes } of ofLea) {
      assert.deepEqual(associationTypes.map((it) => it.label ?? null).sort(), ['Adviser', null]);
    }
  });

  await check('a type against its direction is refused', async () => {
    const wrong = () => basicApi.create('companies', acme, 'contacts', lea, [defined(CONTACT_TO_COMPANY)]);
    await refused(400, wrong);
  });

  await check('a record is created with its associations and read with them', async () => {
    const associations = [{ to: { id: bolt }, types: [defined(CONTACT_TO_COMPANY)] }];
    const created = await crm.contacts.basicApi.create({ properties: { email: 'mo@example.com' }, associations });
    const read = await crm.contacts.basicApi.getById(created.id, ['email'], undefined, ['companies']);
    typed(contacts, contacts.SimplePublicObjectWithAssociations, read);
    assert.ok(read.associations.companies.results.every((it) => it.id === bolt));
    assert.ok(read.associations.companies.results.some((it) => it.type === 'contact_to_company'));
    assert.deepEqual(await companiesOf(created.id), { [bolt]: [UNLABELLED] });
  });

  await check('a label is taken from a pair, then the pair apart, one by one and in a batch', async () => {
    const pair = { _from: { id: lea }, to: { id: acme } };
    await batchApi.archiveLabels('contacts', 'companies', { inputs: [{ ...pair, types: [named(advisor)] }] });
    assert.deepEqual((await companiesOf(lea))[acme], [UNLABELLED]);
    await basicApi.archive('contacts', lea, 'companies', acme);
    assert.deepEqual(Object.keys(await companiesOf(lea)), [bolt]);
    await batchApi.archive('contacts', 'companies', { inputs: [{ _from: { id: lea }, to: [{ id: bolt }] }] });
    assert.deepEqual(await companiesOf(lea), {});
  });

  await check('a label that is removed is gone in both directions', async () => {
    await definitionsApi.remove('contacts', 'companies', advisor);
    for (const [from, to] of [['contacts', 'companies'], ['companies', 'contacts']]) {
      const left = await definitionsApi.getAll(from, to);
      assert.ok(!left.results.some((it) => it.category === 'USER_DEFINED'), `${from} to ${to}`);
    }
  });
}

module.exports = { drive };
