/** The part of `@std/http/status` that is used here; its npm edition has no types. */
export const STATUS_CODE: {
  readonly OK: 200;
  readonly NoContent: 204;
  readonly Found: 302;
  readonly TemporaryRedirect: 307;
  readonly BadRequest: 400;
  readonly Forbidden: 403;
  readonly NotFound: 404;
  readonly MethodNotAllowed: 405;
  readonly RequestTimeout: 408;
  readonly LengthRequired: 411;
  readonly ContentTooLarge: 413;
  readonly ExpectationFailed: 417;
  readonly UpgradeRequired: 426;
  readonly RequestHeaderFieldsTooLarge: 431;
  readonly InternalServerError: 500;
  readonly NotImplemented: 501;
  readonly ServiceUnavailable: 503;
  readonly HTTPVersionNotSupported: 505;
};
export const STATUS_TEXT: Readonly<Record<number, string>>;
