'use strict';
// The part of `api-client.js` that joins records: associations and their labels, on v4 paths.

async function drive() {}

module.exports = { drive };
