import { type Method, publisher, subscriber } from './protos.ts';

export const services = [publisher, subscriber];

/** Every method with one request and one response, emulated or not. */
export const unaryMethods: readonly Method[] = services
  .flatMap((service) => service.methodsArray)
  .filter((method) => !method.requestStream && !method.responseStream);
