/** `@std/http`'s status codes with the types that its npm edition lacks. */
// @ts-types="./status.d.ts"
export { STATUS_CODE, STATUS_TEXT } from "@std/http/status";
