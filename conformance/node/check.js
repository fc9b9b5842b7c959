'use strict';
// What a script of checks needs besides the client: one line per check, the client's own types, the sandbox's controls.

const assert = require('node:assert/strict');
const http = require('node:http');

let checks = 0;

/** Runs one check, prints its line, and ends the process at the first that fails. */
async function check(name, work) {
  try {
    await work();
  } catch (error) {
    console.log(`FAILED ${name}`);
    console.log(error instanceof Error ? error.stack : error);
    process.exit(1);
  }
  checks += 1;
  console.log(`ok ${name}`);
}

/** The last line of a script that went through. */
function finished() {
  console.log(`${checks} checks passed`);
}

/**
 * Every attribute has the type that the client's own model declares, all the way down. The client itself only copies.
 *
 * @param except attributes where HubSpot was seen to answer otherwise than its specification says: name to type
 */
function typed(models, model, value, except = {}) {
  assert.ok(value instanceof model, `expected a ${model.name}, got ${JSON.stringify(value)}`);
  for (const { name, type } of model.getAttributeTypeMap()) {
    if (value[name] !== undefined && value[name] !== null) {
      one(models, except[name] ?? type, value[name], `${model.name}.${name}`, except);
    }
  }
}

function one(models, type, value, at, except) {
  const array = /^Array<(.*)>$/.exec(type);
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (array) {
    assert.ok(Array.isArray(value), `${at}: expected ${type}, got ${JSON.stringify(value)}`);
    value.forEach((item, index) => one(models, array[1], item, `${at}[${index}]`, except));
  } else if (map) {
    assert.equal(typeof value, 'object', at);
    for (const key of Object.keys(value)) one(models, map[1], value[key], `${at}.${key}`, except);
  } else if (type.endsWith(' | null')) {
    if (value !== null) one(models, type.slice(0, -' | null'.length), value, at, except);
  } else if (type === 'Date') {
    assert.ok(value instanceof Date && !Number.isNaN(value.getTime()), `${at}: ${value} is no date`);
  } else if (['string', 'number', 'boolean'].includes(type)) {
    assert.equal(typeof value, type, `${at}: ${JSON.stringify(value)}`);
  } else if (typeof models[type]?.getAttributeTypeMap === 'function') {
    typed(models, models[type], value, except);
  } else if (models[type]) {
    assert.ok(Object.values(models[type]).includes(value), `${at}: ${JSON.stringify(value)} is no ${type}`);
  } else {
    assert.ok(['any', 'Error'].includes(type) || type.endsWith('Enum'), `${at}: unknown type ${type}`);
  }
}

/** The client's exception for a call that HubSpot refuses with this status. */
async function refused(status, call) {
  const answer = await call().then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok(answer.error, `expected ${status}, got ${JSON.stringify(answer.value)}`);
  assert.equal(answer.error.code, status, answer.error.stack);
  return answer.error;
}

/** The sandbox's controls, which are no part of HubSpot's API; by the plainest means, whose timers `waits` leaves alone. */
class Sandbox {
  constructor(url) {
    this.url = url;
  }

  async #send(method, path, body) {
    const [status, text] = await new Promise((resolve, reject) => {
      const request = http.request(`${this.url}/_sandbox/${path}`, { method, agent: false }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => resolve([answer.statusCode, Buffer.concat(parts).toString()]));
        answer.on('error', reject);
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    assert.equal(status, 200, `${method} ${path}: ${text}`);
    return JSON.parse(text);
  }

  load(document) {
    return this.#send('POST', 'load', document);
  }

  limits(limits) {
    return this.#send('PUT', 'limits', limits);
  }

  faults(...faults) {
    return this.#send('POST', 'faults', faults);
  }

  /** Milliseconds pass in the account, none here. */
  pass(ms) {
    return this.#send('PUT', 'clock', { advance_ms: ms });
  }

  /** The account's time in milliseconds. */
  async now() {
    return Date.parse((await this.pass(0)).now);
  }

  /** What the account holds of a type, keyed by id. */
  async records(type) {
    const { results } = await this.#send('GET', `records/${type}`);
    return new Map(results.map((record) => [record.id, record]));
  }

  /** The custom events that the account stored. */
  async events() {
    return (await this.#send('GET', 'events')).results;
  }

  /** What the account holds of lists, keyed by id. */
  async lists() {
    const { results } = await this.#send('GET', 'lists');
    return new Map(results.map((list) => [list.listId, list]));
  }

  /** The requests that a piece of work makes. */
  async requests(work) {
    const before = (await this.#send('GET', 'requests')).results.at(-1)?.seq ?? 0;
    await work();
    return (await this.#send('GET', `requests?after=${before}`)).results;
  }
}

/**
 * Lets waits of a second and more pass in the account instead of here, and tells how long each would have been.
 * The client's waits are a part of what it says about a limit, so they are compared, not endured.
 */
async function waits(sandbox, work) {
  const real = global.setTimeout;
  const waited = [];
  global.setTimeout = (then, ms, ...rest) => {
    if (!(ms >= 1000)) return real(then, ms, ...rest);
    waited.push(ms);
    sandbox.pass(ms).then(() => then(...rest));
    return undefined;
  };
  try {
    await work();
  } finally {
    global.setTimeout = real;
  }
  return waited;
}

module.exports = { Sandbox, check, finished, refused, typed, waits };
