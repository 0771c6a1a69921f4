/** The Worker of a slow receiver. */
import { SlowClient } from "./slow_client.ts";
import { serve } from "./thread.ts";

serve(new SlowClient());
