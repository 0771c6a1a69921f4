/** A Worker that floods a relay with STUN requests. */
import { StunLoad } from "./stun_load.ts";
import { serve } from "./thread.ts";

serve(new StunLoad());
