/** Perturbed DERP maps never throw, and each has its map or a mistake. */
import { checkMap } from "../../src/derpmap/check_map.ts";
import {
  aclText,
  headscaleText,
  jsonText,
  type OneNodeRegion,
} from "../../src/derpmap/formats.ts";
import { readMapFile } from "../../src/derpmap/map_file.ts";
import { derpNode } from "../../src/derpmap/node.ts";
import { assert } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";

const REGION: OneNodeRegion = {
  id: 900,
  code: "myderp",
  name: "Our relay",
  node: derpNode({
    hostname: "derp.example.com",
    derpPort: 8443,
    stunPort: 3478,
  }, {
    name: "900a",
    regionId: 900,
    ipv4: "203.0.113.7",
    ipv6: "2001:db8::7",
    canPort80: true,
  }),
};

for (
  const [target, text] of [
    ["derp_map_acl", aclText(REGION)],
    ["derp_map_headscale", headscaleText(REGION)],
    ["derp_map_json", jsonText(REGION)],
  ] as const
) {
  fuzz(target, (random) => {
    const perturbed = random.perturbText(text);
    const { file, mistakes } = readMapFile(perturbed, "map");
    if (file === undefined) {
      assert(mistakes.length > 0, perturbed);
    } else {
      const found = [...mistakes];
      const { nodes } = checkMap(file, found);
      assert(nodes.length > 0 || found.length > 0, perturbed);
    }
  });
}
