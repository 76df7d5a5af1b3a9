import assert from 'node:assert/strict';
import { Fhir } from 'fhir/fhir.js';

const R4 = new Fhir();

/** Finds faults in a resource, by a validator of FHIR R4: structure, types, cardinalities and required codes. */
export function fhirFaults(resource: { readonly resourceType: string }): string[] {
  const { valid, messages } = R4.validate(resource, { errorOnUnexpected: true });
  const faults = messages.filter(({ severity }) => severity === 'error' || severity === 'fatal');
  assert.equal(valid, faults.length === 0);
  return faults.map(({ location, message }) => `${location}: ${message}`);
}
