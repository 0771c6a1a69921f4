/** A Worker with a crowd of clients. */
import { Crowd } from "./crowd.ts";
import { serve } from "./thread.ts";

serve(new Crowd());
