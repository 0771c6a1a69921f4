/** A Worker with clients that come and go. */
import { Churn } from "./churn.ts";
import { serve } from "./thread.ts";

serve(new Churn());
