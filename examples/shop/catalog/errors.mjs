// Errors as google.rpc.Status in JSON: a canonical code, a sentence for a person and details for a program.

const codes = {
  INVALID_ARGUMENT: { number: 3, http: 400 },
  NOT_FOUND: { number: 5, http: 404 },
  ALREADY_EXISTS: { number: 6, http: 409 },
  RESOURCE_EXHAUSTED: { number: 8, http: 429 },
  FAILED_PRECONDITION: { number: 9, http: 400 },
  UNIMPLEMENTED: { number: 12, http: 501 },
  INTERNAL: { number: 13, http: 500 },
  UNAVAILABLE: { number: 14, http: 503 },
};

const detail = (type, value) => ({ '@type': `type.googleapis.com/google.rpc.${type}`, ...value });

export class StatusError extends Error {
  constructor(code, message, details = []) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get http() {
    return codes[this.code].http;
  }

  toJSON() {
    return { code: codes[this.code].number, message: this.message, details: this.details };
  }
}

export const notFound = (type, name) =>
  new StatusError('NOT_FOUND', `there is no ${type} "${name}"`, [
    detail('ResourceInfo', { resourceType: type, resourceName: name, description: 'There is none of this name.' }),
  ]);

export const alreadyExists = (type, name) =>
  new StatusError('ALREADY_EXISTS', `there is already a ${type} "${name}"`, [
    detail('ResourceInfo', { resourceType: type, resourceName: name, description: 'The name is taken.' }),
  ]);

// `violations` says for each field's path what is wrong with it.
export const invalid = (violations) =>
  new StatusError(
    'INVALID_ARGUMENT',
    Object.entries(violations).map(([field, reason]) => `${field}: ${reason}`).join('; '),
    [detail('BadRequest', {
      fieldViolations: Object.entries(violations).map(([field, description]) => ({ field, description })),
    })],
  );

export const failedPrecondition = (type, subject, reason) =>
  new StatusError('FAILED_PRECONDITION', `${subject} ${reason}`, [
    detail('PreconditionFailure', { violations: [{ type, subject, description: reason }] }),
  ]);
